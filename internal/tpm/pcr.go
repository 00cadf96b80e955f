package tpm

import (
	"crypto"
	_ "crypto/sha1" // of old firmware; these have the hashes of Banks
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
)

// PCR is the one that configs are measured into: that of what is added to a system from
// outside at boot.
const PCR = 12

// A Bank is the PCRs of one hash algorithm.
type Bank struct {
	// Name is that of the algorithm, in lower case.
	Name string
	id   uint16 // TPM_ALG_ID
	hash crypto.Hash
}

// Banks are those that digests can be computed for.
var Banks = []Bank{
	{"sha1", 0x04, crypto.SHA1},
	{"sha256", 0x0b, crypto.SHA256},
	{"sha384", 0x0c, crypto.SHA384},
	{"sha512", 0x0d, crypto.SHA512},
}

// Size is that of a value, in bytes.
func (b Bank) Size() int { return b.hash.Size() }

// Digest is that of some data.
func (b Bank) Digest(data []byte) []byte {
	h := b.hash.New()
	h.Write(data)
	return h.Sum(nil)
}

// Extended is the value of a PCR after it was extended with a digest.
func (b Bank) Extended(value, digest []byte) []byte {
	return b.Digest(append(value[:len(value):len(value)], digest...))
}

// ActiveBanks returns the banks that the TPM has the PCR in. Others are the IDs of the
// algorithms, in hexadecimal, of which it has banks, too, that are not in Banks.
func (t *TPM) ActiveBanks() (active []Bank, others []string, err error) {
	const first, all = 0, 1
	p := binary.BigEndian.AppendUint32(nil, capabilityPCRs)
	p = binary.BigEndian.AppendUint32(p, first)
	p = binary.BigEndian.AppendUint32(p, all)
	answer, err := t.command(tagNoSessions, commandCapability, p)
	if err != nil {
		return nil, nil, err
	}
	ids, err := parseBanks(answer)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		if i := indexOfBank(id); i >= 0 {
			active = append(active, Banks[i])
		} else {
			others = append(others, fmt.Sprintf("%#x", id))
		}
	}
	if len(active) == 0 {
		return nil, nil, fmt.Errorf("the TPM has no PCR %d in a bank of sha1, sha256, sha384 or sha512", PCR)
	}
	return active, others, nil
}

func indexOfBank(id uint16) int {
	for i, b := range Banks {
		if b.id == id {
			return i
		}
	}
	return -1
}

// parseBanks returns the algorithms of the banks that have the PCR.
func parseBanks(answer []byte) ([]uint16, error) {
	r := &reader{rest: answer}
	r.uint8() // whether there is more, which there never is of banks
	if r.uint32() != capabilityPCRs {
		return nil, errDamaged
	}
	var ids []uint16
	for count := r.uint32(); count > 0 && !r.failed; count-- {
		id := r.uint16()
		mask := r.take(int(r.uint8()))
		if !r.failed && len(mask) > PCR/8 && mask[PCR/8]&(1<<(PCR%8)) != 0 {
			ids = append(ids, id)
		}
	}
	if r.failed || len(r.rest) > 0 {
		return nil, errDamaged
	}
	return ids, nil
}

// Extend extends the PCR in some banks with the digests of data.
func (t *TPM) Extend(banks []Bank, data []byte) error {
	const handle, passwordSession = PCR, 0x40000009
	p := binary.BigEndian.AppendUint32(nil, handle)
	p = binary.BigEndian.AppendUint32(p, 4+2+1+2) // of the session: an empty password
	p = binary.BigEndian.AppendUint32(p, passwordSession)
	p = append(p, 0, 0, 0, 0, 0)
	p = binary.BigEndian.AppendUint32(p, uint32(len(banks)))
	for _, b := range banks {
		p = binary.BigEndian.AppendUint16(p, b.id)
		p = append(p, b.Digest(data)...)
	}
	_, err := t.command(tagSessions, commandExtend, p)
	return err
}

// Value reads the PCR in a bank.
func (t *TPM) Value(b Bank) ([]byte, error) {
	p := binary.BigEndian.AppendUint32(nil, 1)
	p = binary.BigEndian.AppendUint16(p, b.id)
	p = append(p, 3, 0, 1<<(PCR%8), 0)
	answer, err := t.command(tagNoSessions, commandRead, p)
	if err != nil {
		return nil, err
	}
	value, err := parseValue(answer)
	if err == nil && len(value) != b.Size() {
		err = errors.New("the TPM has no value of the PCR in this bank")
	}
	return value, err
}

// parseValue returns the first value of the answer; there is no other.
func parseValue(answer []byte) ([]byte, error) {
	r := &reader{rest: answer}
	r.uint32() // how often PCRs have changed
	for count := r.uint32(); count > 0 && !r.failed; count-- {
		r.uint16()
		r.take(int(r.uint8()))
	}
	if r.uint32() != 1 {
		return nil, errDamaged
	}
	value := r.take(int(r.uint16()))
	if r.failed || len(r.rest) > 0 {
		return nil, errDamaged
	}
	return value, nil
}
