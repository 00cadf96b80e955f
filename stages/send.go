package stages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

const (
	// reportArgument is the kernel argument with the URL that gets the record. It precedes
	// the distribution's; without a value nothing gets it.
	reportArgument = "firstlight.report.url"
	// reportPort gets the record, if the virtual machine has it.
	reportPort = "/dev/virtio-ports/" + report.Port
	// sendTime is what each receiver has: less than the 10 s after which requests warn of
	// themselves.
	sendTime = 8 * time.Second
)

// A receiver gets the record of a boot.
type receiver struct {
	name string // for messages
	send func(ctx context.Context, text []byte) error
}

// reportURL is where the record goes over the network, "" for nowhere.
func (p *process) reportURL() string {
	arguments, err := system.KernelArguments()
	if target, given := arguments[reportArgument]; err == nil && given {
		return target
	}
	return p.settings.Value(distribution.ReportURL)
}

func (p *process) receivers() []receiver {
	var all []receiver
	if system.Exists(reportPort) {
		all = append(all, receiver{reportPort, func(ctx context.Context, text []byte) error { return writePort(ctx, reportPort, text) }})
	}
	if target := p.reportURL(); target != "" {
		all = append(all, receiver{fetch.Redact(target), func(ctx context.Context, text []byte) error { return p.fetch.Post(ctx, target, text) }})
	}
	return all
}

// sendRecord sends the record to whoever is to have it. A boot does not depend on it.
func (p *process) sendRecord(r bootRecord) {
	var failed []error
	for _, to := range p.receivers() {
		ctx, cancel := context.WithTimeout(context.Background(), sendTime)
		err := to.send(ctx, r.text)
		cancel()
		if err != nil {
			failed = append(failed, fmt.Errorf("to %s: %w", to.name, err))
			continue
		}
		p.log.Info("the record of this boot was sent to " + to.name)
	}
	if err := errors.Join(failed...); err != nil {
		p.log.Warn("sending the record of this boot " + err.Error())
	}
}

// writePort writes to a port that somebody may read, or not.
func writePort(ctx context.Context, name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if deadline, limited := ctx.Deadline(); limited {
		err = f.SetWriteDeadline(deadline)
	}
	if err == nil {
		_, err = f.Write(text)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("nobody has read it for %v", sendTime)
	}
	return err
}

// SendFailure sends the record of a boot that a unit other than ours has stopped, for the
// emergency shell. Of failures of stages the stages have sent it.
func SendFailure(ctx context.Context, o Options) error {
	p := &process{Options: o}
	boot, err := p.readBoot()
	if err != nil || len(boot.Stages) == 0 || boot.Outcome == report.Failed {
		return err
	}
	p, err = newProcess(ctx, o, stage{name: "emergency"})
	defer p.unlock()
	if err != nil {
		return err
	}
	if _, err := p.cachedMachineConfig(ctx); err != nil {
		p.log.Debug("the settings of the config do not hold: " + err.Error())
	}
	boot.Outcome = report.Failed
	if boot.Units, err = system.FailedUnits(ctx, p.run); err != nil {
		p.log.Debug("asking systemd which units have failed: " + err.Error())
	}
	r, err := p.compose(boot, nil, nil)
	err = errors.Join(err, p.saveRecord(r))
	p.keepRecord(r, recordDir)
	p.sendRecord(r)
	return errors.Join(err, p.tellPlatform(ctx, boot))
}

// tellPlatform tells the platform which units have stopped a boot.
func (p *process) tellPlatform(ctx context.Context, boot *report.Record) error {
	platform, err := providers.ByID(boot.Platform)
	if err != nil || platform.Status == nil {
		return err
	}
	p.env.Platform = platform
	err = platform.Status(ctx, p.env, p.stage.name, errors.New("units have failed: "+strings.Join(boot.Units, ", ")))
	if err != nil {
		p.log.Warn(err.Error())
	}
	return nil
}
