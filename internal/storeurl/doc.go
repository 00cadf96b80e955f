// Package storeurl reads the URLs of secrets in stores:
//
//	aws-sm:NAME[?region=REGION][&version=ID|&stage=LABEL][#MEMBER]
//	aws-sm:arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME[?...][#MEMBER]
//	azure-kv:VAULT/SECRET[/VERSION][?client_id=ID][#MEMBER]
//	gcp-sm:projects/PROJECT[/locations/LOCATION]/secrets/SECRET[/versions/VERSION][#MEMBER]
//	vault:https://HOST[:PORT]/MOUNT/PATH[?version=N][&namespace=NAME][&role=NAME][&auth=MOUNT][&region=REGION][&client_id=ID]#MEMBER
//
// What follows the # picks a member of a secret that is an object in JSON, as each secret of
// vault is. All parts may be percent-encoded; a slash in the mount of a vault has to be.
//
// Packages config and fetch use it, so that a workstation and a machine read the same. It
// imports nothing of this module.
package storeurl
