package config

// A Rule is what a problem breaks: one thing that a person can do wrong. Package rules has
// the id of each, which stays, and its explanation. The numbers can be others in the next
// version.
type Rule uint8

// NoRule is that of no problem.
const NoRule Rule = 0

// Rules of documents: their form, their language and their version.
const (
	RuleDocumentEmpty Rule = iota + 1
	RuleDocumentKind
	RuleDocumentForeign
	RuleDocumentPacked
	RuleDocumentCutOff
	RuleDocumentSecond
	RulePackingDamaged
	RuleTemplateUnfilled
	RuleSyntaxJSON
	RuleSyntaxYAML
	RuleVariantMissing
	RuleVariantUnknown
	RuleVersionMissing
	RuleVersionForm
	RuleVersionUnknown
	RuleVersionNewer
	RuleVersionSpec1
	RuleVersionSpec2

	// Keys and values.

	RuleKeyUnknown
	RuleKeySince
	RuleKeyCase
	RuleKeyTwice
	RuleKeyType
	RuleAliasCircular
	RuleAliasGrowth
	RuleYAMLMerge
	RuleValueType
	RuleValueNull
	RuleValueSince
	RuleNumberForm
	RuleNULCharacter
	RuleDuplicateItem

	// Paths and names.

	RuleDuplicatePath
	RulePathMissing
	RulePathRelative
	RulePathSimplest
	RulePathLength
	RulePathOwnFile
	RulePathBelowLink
	RulePathBackslash
	RuleNameMissing
	RuleNameLength
	RuleNameControlCharacter
	RuleFileName

	// Files, directories and links.

	RuleOverwriteWithoutContents
	RuleLinkTargetMissing
	RuleHardLinkDirectory
	RuleHardLinkOwner
	RuleOwnerTwice
	RuleOwnerName
	RuleIDRange
	RuleModeRange
	RuleModeSpecialBits
	RuleModeDecimal
	RuleDirectoryMode
	RuleHomeParent
	RuleScriptLineEnd
	RuleContentsSeveral
	RuleContentsNotGzip
	RuleContentsDamaged

	// Resources: what is fetched, and from where.

	RuleCompressionUnknown
	RuleHashForm
	RuleHashMismatch
	RuleHashWithoutSource
	RuleCertificateForm
	RuleSourceMissing
	RuleHeaderWithoutHTTP
	RuleHeaderName
	RuleHeaderValue
	RuleURLForm
	RuleURLScheme
	RuleURLHost
	RuleURLObject
	RuleURLARN
	RuleURLVersionID
	RuleDataURL
	RuleProxyUnencrypted
	RuleTimeoutNegative
	RuleReferenceUnreadable
	RuleInlineConfigVersion

	// Disks and what is on them.

	RuleDuplicatePartition
	RulePartitionOverlap
	RulePartitionUnidentified
	RulePartitionLabelColon
	RulePartitionLabelReserved
	RulePartitionNumber
	RulePartitionNumberMissing
	RulePartitionSize
	RulePartitionResize
	RulePartitionUnwanted
	RuleRootPartitionSmall
	RuleGUIDForm
	RuleLabelLength
	RuleDeviceLabelUnknown
	RuleDeviceKernelName
	RuleRaidLevel
	RuleRaidDevicesMissing
	RuleRaidName
	RuleRaidSpares
	RuleFilesystemFormat
	RuleFilesystemFormatMissing
	RuleFilesystemWholeDisk
	RuleVirtiofsTagMissing
	RuleVirtiofsMember
	RuleMountPathMissing
	RuleMountPoint
	RuleMountUnitLineEnd
	RuleLuksName
	RuleLuksNameBlank
	RuleUnlockConflict
	RuleClevisThreshold
	RuleClevisCustomMissing
	RuleClevisPin
	RuleTangThumbprintMissing
	RuleTangAdvertisement

	// Users, units and kernel arguments.

	RuleAccountName
	RuleAccountField
	RulePasswordHash
	RuleSSHPrivateKey
	RuleSSHKeyForm
	RuleSSHKeyFileEmpty
	RuleUnitName
	RuleUnitNameIgnored
	RuleUnitSyntax
	RuleUnitNoInstall
	RuleUnitFileTwice
	RuleMachineID
	RuleDropinName
	RuleQuadletName
	RuleQuadletInstance
	RuleKernelArgumentLineEnd

	// Extensions of Firstlight.

	RuleExtensionVersion
	RuleExtensionKey
	RuleDiskName
	RuleDiskNameUnknown
	RuleDiskNameUnused
	RuleDiskMatchEmpty
	RuleDiskPattern
	RuleDiskSize
	RuleDiskPick
	RuleDiskPickAll
	RuleDiskNameAndDevice
	RuleSecretSource
	RuleAbsentPath
	RuleArchiveFormat
	RuleArchivePath
	RuleArchiveStrip
	RuleSubvolumeFormat
	RuleSubvolumeName
	RuleSubvolumeDefault
	RuleSubvolumeOption
	RuleFactsOff
	RuleFactName
	RuleFactPlace
	RuleFactPattern

	// What only Butane has.

	RuleVariantCannot
	RuleLocalFilesDir
	RuleLocalMissing
	RuleLocalOutside
	RuleLocalUnreadable
	RuleLocalKind
	RuleTreeEmpty
	RuleBootDeviceIdle
	RuleBootDeviceLayout
	RuleBootDeviceLayoutMissing
	RuleBootDeviceMirrorDevices
	RuleBootDeviceMirrorLayout
	RuleBootDeviceLuksDevice
	RuleBootDeviceNotEncrypted
	RuleBootDeviceCex
	RuleGrubUsersMissing
	RuleGrubUserMissing
	RuleGrubUserName
	RuleGrubPasswordHash
	RuleOpenShiftMachine
	RuleOpenShiftMetadata
	RuleOpenShiftKernelType
	RuleOpenShiftCexArgument
	RuleOpenShiftRaw

	// Includes and parameters of Butane, and placeholders.

	RulePlaceholderForm
	RuleParamUnknown
	RuleParamUnset
	RuleParamDeclaration
	RuleParamValue
	RuleIncludeCycle
	RuleIncludeCondition

	// Translation from spec 2, and to another version.

	RuleSpec2Conflict
	RuleSpec2Incomplete
	RuleSpec2Sectors
	RuleSpec2Force
	RuleSpec2Filesystem
	RuleSpec2Hidden
	RuleSpec2Parent
	RuleSpec2Mode
	RuleSpec2NetworkdName
	RuleSpec2Reference
	RuleTranslationLoss

	lastRule
)

// Rules returns all rules.
func Rules() []Rule {
	var all []Rule
	for r := range lastRule {
		if r != NoRule {
			all = append(all, r)
		}
	}
	return all
}
