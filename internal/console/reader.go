package console

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A Kind is what an Event is about.
type Kind int

// Kinds of events.
const (
	// StageStarted has the name of a stage.
	StageStarted Kind = iota
	// OperationFinished and OperationFailed have the operation in Text.
	OperationFinished
	OperationFailed
	// StageFailed is from systemd, for agents that show no box. It has the exit status of
	// the agent, or 1.
	StageFailed
	// Failed has a failure box in Text, and the exit status that belongs to it.
	Failed
	// Provisioned is the end of a first boot that went well.
	Provisioned
	// Switched is the end of the initramfs.
	Switched
	// Emergency is a boot that was given up: an emergency shell.
	Emergency
	// Panic has what the kernel says of why it has stopped.
	Panic
	// Login is a booted system that waits for a person.
	Login
)

// An Event is something that has happened in a first boot.
type Event struct {
	Kind   Kind
	Stage  string
	Text   string
	Status int
}

// A Reader takes what a machine prints, as an io.Writer, and calls a function for each
// event.
type Reader struct {
	on    func(Event)
	rest  string
	stage string
	// files is set when that stage has ended, of whatever agent; the others when their
	// event was.
	files, provisioned, switched, emergency bool
	// boxes by where their lines come from: the agent's log, or the console itself.
	boxes map[bool]*report.BoxReader
}

// NewReader returns a Reader that calls on in the goroutine of whoever writes.
func NewReader(on func(Event)) *Reader {
	return &Reader{on: on, boxes: map[bool]*report.BoxReader{false: {}, true: {}}}
}

// maxLine is what is kept of a line without an end, in bytes.
const maxLine = 4 << 10

// prompt is that of agetty, after the name of the machine.
const prompt = " login: "

func (r *Reader) Write(p []byte) (int, error) {
	r.rest += string(p) // in pieces as QEMU writes them
	for {
		line, rest, ended := strings.Cut(r.rest, "\n")
		if !ended {
			break
		}
		r.rest = rest
		r.line(line)
	}
	if len(r.rest) > maxLine {
		r.rest = r.rest[len(r.rest)-maxLine:]
	}
	// A prompt has no line end, and nothing before it but the name of the machine.
	if strings.HasSuffix(r.rest, prompt) && len(strings.Fields(Plain(r.rest))) == 2 {
		r.rest = ""
		r.on(Event{Kind: Login})
	}
	return len(p), nil
}

var (
	// steering is what colors a text or moves the cursor.
	steering = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\x1b[A-Z78=>]|\r`)
	// logged is a message of the agent in the log; with --log-to-stdout its level is before it.
	logged = regexp.MustCompile(`(?:^|[\] ])ignition\[\d+\]: (?:[A-Z]+ +: )?(.*)`)
	// inStage is a message of a stage.
	inStage   = regexp.MustCompile(`^([a-z-]+): (.*)`)
	operation = regexp.MustCompile(`\[(finished|failed)\] +(.*)`)
	// unit is what systemd says of a unit of the agent, on the console or in the log: by
	// its name, which is cut off where the line is too short, or by its description.
	unit      = regexp.MustCompile(`(Starting|Finished|Failed to start) +(?:.*Ignition \(([a-z-]+)|ignition-([a-z-]+))`)
	exited    = regexp.MustCompile(`ignition-([a-z-]+)\.service: Main process exited, code=exited, status=(\d+)`)
	switching = regexp.MustCompile(`Switching root|Starting .*initrd-switch-root\.service`)
	givenUp   = regexp.MustCompile(`Reached target .*Emergency Mode|You are in emergency mode|Entering emergency mode`)
	// summary is the last line of a good boot, on the console only.
	summary  = regexp.MustCompile(`^first boot \d+\.\d s: `)
	panicked = regexp.MustCompile(`Kernel panic - not syncing: (.*)`)
)

// Stages are what the stages of a first boot do, for people.
var Stages = map[string]string{
	"fetch-offline": "find the config",
	"fetch":         "get what needs the network",
	"kargs":         "kernel arguments",
	"disks":         "partitions and filesystems",
	"mount":         "mount them below the new root",
	"files":         "users, files, units",
	"umount":        "unmount, hand over to the real system",
}

// lastStage is the one after which the machine goes on into its system.
const lastStage = "umount"

// Plain is a line of a console without colors and whatever else steers a terminal.
func Plain(line string) string {
	return system.PrintableLine(steering.ReplaceAllString(line, ""))
}

func (r *Reader) line(line string) {
	line = strings.TrimSpace(Plain(line))
	text, ours := line, false
	if m := logged.FindStringSubmatch(line); m != nil {
		text, ours = m[1], true
	}
	if box := r.boxes[ours].Add(text); box != nil {
		r.on(Event{Kind: Failed, Stage: box.Stage, Text: box.Text, Status: int(box.Kind)})
	} else if ours {
		r.message(text)
	} else {
		r.other(line)
	}
}

// message is one of the agent.
func (r *Reader) message(text string) {
	m := inStage.FindStringSubmatch(text)
	if m == nil || Stages[m[1]] == "" {
		return
	}
	stage, text := m[1], m[2]
	r.enter(stage)
	if m := operation.FindStringSubmatch(text); m != nil {
		kind := map[string]Kind{"finished": OperationFinished, "failed": OperationFailed}[m[1]]
		r.on(Event{Kind: kind, Stage: stage, Text: m[2]})
	}
	if stage == lastStage && strings.HasPrefix(text, stage+" passed") {
		r.provision()
	}
}

// other is a line of the kernel, of systemd, or of anything else.
func (r *Reader) other(line string) {
	if m := unit.FindStringSubmatch(line); m != nil {
		stage := fullName(m[2] + m[3])
		switch {
		case stage == "":
		case m[1] == "Starting":
			r.enter(stage)
		case m[1] == "Finished":
			r.files = r.files || stage == "files"
		default:
			r.on(Event{Kind: StageFailed, Stage: stage, Status: 1})
		}
	}
	if m := exited.FindStringSubmatch(line); m != nil && Stages[m[1]] != "" {
		status, _ := strconv.Atoi(m[2])
		r.on(Event{Kind: StageFailed, Stage: m[1], Status: max(status, 1)})
	}
	if m := panicked.FindStringSubmatch(line); m != nil {
		r.on(Event{Kind: Panic, Text: m[1]})
	}
	if givenUp.MatchString(line) && !r.emergency {
		r.emergency = true
		r.on(Event{Kind: Emergency})
	}
	if summary.MatchString(line) {
		r.provision()
	}
	if switching.MatchString(line) {
		if r.files {
			r.provision()
		}
		if !r.switched {
			r.switched = true
			r.on(Event{Kind: Switched})
		}
	}
}

// fullName is the stage that begins with a text, or "" if that is not clear.
func fullName(beginning string) string {
	if Stages[beginning] != "" {
		return beginning
	}
	var found []string
	for stage := range Stages {
		if beginning != "" && strings.HasPrefix(stage, beginning) {
			found = append(found, stage)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

func (r *Reader) enter(stage string) {
	if stage != r.stage {
		r.stage = stage
		r.on(Event{Kind: StageStarted, Stage: stage})
	}
}

func (r *Reader) provision() {
	if !r.provisioned {
		r.provisioned = true
		r.on(Event{Kind: Provisioned})
	}
}
