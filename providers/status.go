package providers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
)

// statusTime limits what a platform is told of a stage: no boot should wait for it.
const statusTime = 5 * time.Second

// tellStatus has a platform told how a stage has ended, if there may be a network.
func tellStatus(ctx context.Context, env *Env, tell func(*Asker) error) error {
	if env.Fetch.Offline {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, statusTime)
	defer cancel()
	if err := env.Facts.withAsker(ctx, env, tell); err != nil {
		return &report.Error{Doing: "reporting to " + env.Platform.Name + " how the stage has ended", Err: err}
	}
	return nil
}

// failureText is why a stage has failed, in one line.
func failureText(stage string, failure error) string {
	var problems []string
	for _, p := range report.Explain(failure) {
		problems = append(problems, p.String())
	}
	return fmt.Sprintf("[%s] Ignition error: %s", stage, strings.Join(problems, "; "))
}
