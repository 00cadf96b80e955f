// Package tpm extends a PCR of a TPM 2.0 with digests, and says what comes of it.
//
// It needs three commands of the specification (Trusted Platform Module Library, part 3),
// which are a few bytes each, and so no library of the TPM:
//
//	TPM2_GetCapability  which banks a PCR has: one for each hash algorithm
//	TPM2_PCR_Extend     hash the PCR's value with a digest, in these banks
//	TPM2_PCR_Read       the PCR's values
//
// Answers come from a device that may be broken or emulated; they are read as what
// strangers send.
package tpm
