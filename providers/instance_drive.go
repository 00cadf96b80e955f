package providers

import (
	"errors"
	"os"
	"time"
)

// An instanceDrive is a config drive with metadata.
type instanceDrive struct {
	label string
	// dir, if it exists, has the files already.
	dir string
	// file is on each drive of the sort, and others may be.
	file   string
	others []string
	// mayBeMissing is set where a machine without a drive is well.
	mayBeMissing bool
}

// instanceDriveLimit is for how long a drive is waited for. A machine has had the
// config of its drive before, or has none.
const instanceDriveLimit = 10 * time.Second

// key is that of a file among the answers.
func (d *instanceDrive) key(file string) string { return "drive " + d.label + ": " + file }

// readDrive reads all files of a drive at once. Found is false if there is none.
func (a *Asker) readDrive(d *instanceDrive, limit time.Duration) (found bool, err error) {
	if known, ok := a.answers.said.Answers[d.key(d.file)]; ok {
		return !known.None, nil
	}
	c := configDrive{label: d.label, files: []string{d.file}, also: d.others, limit: limit}
	var data *UserData
	if _, missing := os.Stat(d.dir); d.dir != "" && missing == nil {
		r := new(scanResult)
		_, err = c.readFiles(r, d.dir)
		data = &UserData{Text: r.text, also: r.also}
	} else {
		data, err = c.fetch(a.ctx, a.env)
	}
	if a.missing = nil; errors.Is(err, errNoDrive) {
		a.missing = err
		return false, nil
	}
	if err != nil || data == nil || data.Text == nil {
		return false, err
	}
	a.answers.add(d.key(d.file), reply{Text: string(data.Text)})
	for _, name := range d.others {
		text, there := data.also[name]
		a.answers.add(d.key(name), reply{string(text), !there})
	}
	return true, nil
}

// file returns what readDrive has read.
func (a *Asker) file(name string, check func([]byte) error) (text []byte, there bool, err error) {
	known, ok := a.answers.said.Answers[a.instance.drive.key(name)]
	if !ok || known.None {
		return nil, false, nil
	}
	return []byte(known.Text), true, check([]byte(known.Text))
}
