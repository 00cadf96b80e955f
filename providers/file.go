package providers

import (
	"context"
	"fmt"
	"os"

	"github.com/firstlight-os/firstlight/internal/report"
)

// fileVariable is the environment variable with the path of the config.
const fileVariable = "IGNITION_CONFIG_FILE"

func fetchFile(context.Context, *Env) (*UserData, error) {
	name := os.Getenv(fileVariable)
	if name == "" {
		name = "config.ign"
	}
	text, err := readConfig(name)
	if err != nil {
		return nil, &report.Error{Err: err, Hint: fmt.Sprintf("set the environment variable %s to the path of the config", fileVariable)}
	}
	return &UserData{Text: text, Name: fmt.Sprintf("user config (%s)", name), Signature: signatureFile(name)}, nil
}
