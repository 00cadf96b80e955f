package providers

import (
	"context"
	"fmt"
	"os"

	"github.com/firstlight-os/firstlight/internal/report"
)

// Platform file: a local file, for tests.
const fileVariable = "IGNITION_CONFIG_FILE"

func fetchFile(context.Context, *Env) (*UserData, error) {
	name := os.Getenv(fileVariable)
	if name == "" {
		name = "config.ign"
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, &report.Error{Err: err, Hint: fmt.Sprintf("set the environment variable %s to the config's path", fileVariable)}
	}
	return &UserData{Text: text, Name: fmt.Sprintf("user config (%s)", name)}, nil
}
