package stages

import (
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// missingPrograms returns an error for each helper program that a plan cannot do without
// and that is not there, with the first operation that needs it. What does in its place
// counts as it.
func missingPrograms(plan report.Plan) error {
	var all []error
	known := map[string]bool{}
	missing := func(program string) bool {
		_, err := exec.LookPath(program)
		return errors.Is(err, exec.ErrNotFound)
	}
	for _, op := range plan {
		for _, program := range op.Programs {
			if known[program] {
				continue
			}
			known[program] = true
			names := strings.Split(program, "|")
			if slices.ContainsFunc(names, func(name string) bool { return !missing(name) }) {
				continue
			}
			all = append(all, &report.Error{Doing: op.Name, Origin: op.Origin, Err: &system.CommandError{Command: system.Command{Name: names[0]}, Err: exec.ErrNotFound}})
		}
	}
	return errors.Join(all...)
}

// accountsLater stands for what the files stage does about users and groups, so that no
// disk is written to in vain. What there already is will be seen in the root.
func accountsLater(cfg *config.Config) (plan report.Plan) {
	add := func(name string, origin config.Origin, programs string) {
		plan = append(plan, &report.Operation{Name: "creating or changing " + name, Origin: origin, Programs: []string{programs}})
	}
	for _, g := range cfg.Passwd.Groups {
		if config.ValueOr(g.ShouldExist, true) {
			add("group "+strconv.Quote(g.Name), g.Origin("name"), "groupadd|groupmod")
		}
	}
	for _, u := range cfg.Passwd.Users {
		if config.ValueOr(u.ShouldExist, true) {
			add("user "+strconv.Quote(u.Name), u.Origin("name"), "useradd|usermod")
		}
	}
	return plan
}
