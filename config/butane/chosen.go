package butane

import (
	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// checkChosenDisk checks how a disk is named: by its device, or by what it is.
func (t *translation) checkChosenDisk(n *doc.Node) {
	if t.Variant != firstlight {
		return
	}
	as, device := n.Member("as"), n.Member("device")
	switch {
	case as != nil && device != nil:
		t.error(config.RuleDiskNameAndDevice, device.Origin(), "as and device are set together; set only one of them: with as the device is %s", config.ChosenPrefix+as.Text)
	case as == nil && (n.Member("match") != nil || n.Member("pick") != nil):
		t.error(config.RuleDiskName, originOf(n, "as"), "a disk that is chosen by its properties needs a name; \"as: data\" makes it %sdata", config.ChosenPrefix)
	case as == nil || text(n, "pick") != config.PickAll:
	default:
		for _, member := range []string{"partitions", "wipeTable"} {
			if m := n.Member(member); m != nil {
				t.error(config.RuleDiskPickAll, m.Origin(), "%s cannot be set for all disks that match, as their number is not known; write an entry for each, with device: %s1 and so on", doc.Snake(member), config.ChosenPrefix+as.Text)
			}
		}
	}
}

// chosenDisks moves what disks are chosen by to where the spec has it. An entry of which
// nothing else is left goes.
func (t *translation) chosenDisks() {
	list := t.result.Member("storage").Member("disks")
	if list == nil || t.Variant != firstlight {
		return
	}
	kept := list.Items[:0]
	for _, disk := range list.Items {
		as := disk.Member("as")
		switch {
		case as != nil:
		case disk.Member("device") == nil && (disk.Member("match") != nil || disk.Member("pick") != nil):
			continue // it has no name, which checkChosenDisk says
		default:
			kept = append(kept, disk)
			continue
		}
		chosen := nodeBuilder{disk}.object()
		for _, member := range []string{"as", "match", "pick"} {
			if m := disk.Member(member); m != nil {
				chosen.Set(member, m)
				disk.Remove(member)
			}
		}
		appendItem(ensureObject(t.result, firstlight), "disks", withCondition(chosen, disk))
		if rest := len(disk.Members); rest > 1 || rest == 1 && disk.Member("when") == nil {
			if disk.Member("device") == nil {
				disk.Set("device", nodeBuilder{as}.value(config.ChosenPrefix+as.Text))
			}
			kept = append(kept, disk)
		}
	}
	list.Items = kept
}
