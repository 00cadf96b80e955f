package storeurl

import (
	"strings"
	"testing"
)

const (
	arn     = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"
	version = "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE"
)

func TestURLsName(t *testing.T) {
	for source, want := range map[string]Secret{
		"aws-sm:db":                                             {Name: "db"},
		"aws-sm:/prod/db_+=.@-1":                                {Name: "/prod/db_+=.@-1"},
		"aws-sm:prod%2Fdb#password":                             {Name: "prod/db", Member: "password"},
		"aws-sm:db?region=eu-west-1#a/b?c":                      {Name: "db", Region: "eu-west-1", Member: "a/b?c"},
		"aws-sm:db?stage=AWSPREVIOUS":                           {Name: "db", Stage: "AWSPREVIOUS"},
		"aws-sm:db?region=r&version=" + version:                 {Name: "db", Region: "r", Version: version},
		"aws-sm:" + arn:                                         {Name: arn, Region: "eu-west-1"},
		"aws-sm:" + arn + "?region=eu-west-1#k":                 {Name: arn, Region: "eu-west-1", Member: "k"},
		"azure-kv:web/db":                                       {Host: "web.vault.azure.net", Name: "db"},
		"azure-kv:web/db/0123abcd#a%20b":                        {Host: "web.vault.azure.net", Name: "db", Version: "0123abcd", Member: "a b"},
		"azure-kv:web/db?client_id=00001111-aaaa":               {Host: "web.vault.azure.net", Name: "db", ClientID: "00001111-aaaa"},
		"azure-kv:web.vault.azure.cn/db":                        {Host: "web.vault.azure.cn", Name: "db"},
		"azure-kv:web.vault.usgovcloudapi.net/d-b":              {Host: "web.vault.usgovcloudapi.net", Name: "d-b"},
		"gcp-sm:projects/p-1/secrets/s_1":                       {Name: "projects/p-1/secrets/s_1"},
		"gcp-sm:projects/example.com:p/secrets/s/versions/7":    {Name: "projects/example.com:p/secrets/s", Version: "7"},
		"gcp-sm:projects/p/locations/europe-west1/secrets/s#k":  {Name: "projects/p/locations/europe-west1/secrets/s", Member: "k"},
		"gcp-sm:projects/p/locations/l/secrets/s/versions/prod": {Name: "projects/p/locations/l/secrets/s", Version: "prod"},
		"vault:https://v.example.com/secret/web#key":            {Host: "v.example.com", Mount: "secret", Name: "web", Member: "key"},
		"vault:https://v:8200/kv%2Fteam/a/b%20c?version=3#k%23": {Host: "v:8200", Mount: "kv/team", Name: "a/b c", Version: "3", Member: "k#"},
		"vault:https://v/kv/a?namespace=team/x&role=web&auth=aws-2&region=eu-west-1#k": {Host: "v", Mount: "kv", Name: "a", Member: "k",
			Namespace: "team/x", Role: "web", Auth: "aws-2", Region: "eu-west-1"},
		"vault:https://[::1]:8200/kv/v1/data#k": {Host: "[::1]:8200", Mount: "kv", Name: "v1/data", Member: "k"},
	} {
		want.Scheme, _, _ = strings.Cut(source, ":")
		if got, err := Parse(source); err != nil || *got != want {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", source, got, err, want)
		}
	}
}

func TestURLsThatNameNothingAreRefused(t *testing.T) {
	const aws, azure, google, vault = "does not name a secret; it should look like aws-sm:NAME", "does not name a secret; it should look like azure-kv:VAULT/SECRET",
		"does not name a secret; it should look like gcp-sm:projects/PROJECT/secrets/SECRET", "does not name a secret; it should look like vault:https://HOST/MOUNT/PATH#MEMBER"
	for source, want := range map[string]string{
		"s3://b/k":                            "no store of secrets",
		"aws-sm:":                             aws,
		"aws-sm:a b":                          aws,
		"aws-sm:a:b":                          aws,
		"aws-sm:é":                            aws,
		"aws-sm:" + strings.Repeat("a", 513):  "more than 512 characters",
		"aws-sm:a%0ab":                        "control character",
		"aws-sm:a%zz":                         "a % in the URL without two hexadecimal digits",
		"aws-sm:a#%zz":                        "a % in the URL without two hexadecimal digits",
		"aws-sm:a#":                           "nothing follows the #",
		"aws-sm:a?":                           "parameter that aws-sm URLs do not have; they have region, stage, version",
		"aws-sm:a?key=b":                      "parameter that aws-sm URLs do not have; they have region, stage, version",
		"aws-sm:a?role=b":                     "parameter that aws-sm URLs do not have",
		"aws-sm:a?region":                     "the parameter region is empty",
		"aws-sm:a?region=r&region=r":          "the parameter region is there twice",
		"aws-sm:a?region=a.b":                 "not the name of a region",
		"aws-sm:a?region=%zz":                 "a % in the URL",
		"aws-sm:a?version=AWSPREVIOUS":        "for a label, such as AWSPREVIOUS, write stage",
		"aws-sm:a?stage=x&version=" + version: "leave one of them out",
		"aws-sm:arn:aws:s3:::b/k":             "not the ARN of a secret; it should look like arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME",
		"aws-sm:arn:aws:secretsmanager:r@evil:1:secret:x":       "not the ARN of a secret",
		"aws-sm:arn:aws:secretsmanager:r:one:secret:x":          "not the ARN of a secret",
		"aws-sm:arn:aws:secretsmanager:r:1:key:x":               "not the ARN of a secret",
		"aws-sm:arn:aws:secretsmanager:r:1:secret:":             aws,
		"aws-sm:" + arn + "?region=us-east-1":                   "the parameter region is not that of the ARN",
		"azure-kv:web":                                          azure,
		"azure-kv:web/":                                         azure,
		"azure-kv:we/db":                                        azure,
		"azure-kv:" + strings.Repeat("a", 25) + "/db":           azure,
		"azure-kv:web/d_b":                                      azure,
		"azure-kv:web/" + strings.Repeat("a", 128):              azure,
		"azure-kv:web/db/1/2":                                   azure,
		"azure-kv:web/db/v-1":                                   azure,
		"azure-kv:web%2Fdb":                                     azure,
		"azure-kv:web.example.com/db":                           "no host below vault.azure.net, vault.azure.cn, vault.usgovcloudapi.net",
		"azure-kv:web.vault.azure.net.evil/db":                  "no host below vault.azure.net",
		"azure-kv:web/db?version=1":                             "a parameter that azure-kv URLs do not have; they have client_id",
		"azure-kv:https://web.vault.azure.net/secrets/db":       azure,
		"gcp-sm:p/s":                                            google,
		"gcp-sm:projects/p/secrets":                             google,
		"gcp-sm:projects/p/secrets/":                            google,
		"gcp-sm:projects/p/secrets/s/versions":                  google,
		"gcp-sm:projects/p/secret/s":                            google,
		"gcp-sm:projects/p/secrets/s.1":                         google,
		"gcp-sm:projects/p/secrets/a%2Fb":                       google,
		"gcp-sm:projects/p/secrets/" + strings.Repeat("a", 256): google,
		"gcp-sm:projects/p/locations/l":                         google,
		"gcp-sm:projects/p/locations/l@x/secrets/s":             google,
		"gcp-sm:projects/p/secrets/s/versions/1/x":              google,
		"vault:http://v/kv/a#k":                                 "has to be asked by https",
		"vault:v/kv/a#k":                                        vault,
		"vault://v/kv/a#k":                                      vault,
		"vault:https:///kv/a#k":                                 vault,
		"vault:https://v/kv#k":                                  vault,
		"vault:https://v/kv/#k":                                 vault,
		"vault:https://v/kv//a#k":                               vault,
		"vault:https://v/kv/../a#k":                             vault,
		"vault:https://v/kv/a":                                  "add #MEMBER",
		"vault:https://v/v1/kv/data/a#k":                        "write MOUNT/PATH without v1 and data",
		"vault:https://user:pw@v/kv/a#k":                        "a user or a password stands in front of the host",
		"vault:https://v o/kv/a#k":                              "not a URL that can be parsed",
		"vault:https://v/kv/a?version=0#k":                      "a number from 1 on",
		"vault:https://v/kv/a?version=x#k":                      "a number from 1 on",
		"vault:https://v/kv/a?region=r#k":                       "needs the parameter role",
		"vault:https://v/kv/a?client_id=r#k":                    "needs the parameter role",
		"azure-kv:web/db?client_id=1%26x":                       "the parameter client_id is not the ID of a managed identity",
		"vault:https://v/kv/a?auth=/aws#k":                      "without a slash at either end",
		"vault:https://v/kv/a?namespace=n%0d%0aX:y#k":           "control character",
		"vault:https://v/kv/a?namespace=a b#k":                  "without a slash at either end",
		"vault:https://v/kv/a?token=x#k":                        "they have auth, client_id, namespace, region, role, version",
	} {
		_, err := Parse(source)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", source, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: the message has the password: %v", source, err)
		}
	}
}

// What is read can become a request: hosts, names and parameters have no characters that
// end a line or lead elsewhere.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"aws-sm:" + arn + "#k", "aws-sm:a%2Fb?region=r&stage=x", "azure-kv:web/db/1#k", "gcp-sm:projects/p/locations/l/secrets/s/versions/1",
		"vault:https://[::1]:8200/kv%2Ft/a/b?version=1&namespace=n&role=r&auth=a/b&region=r#k", "vault:https://a@b/c/d#e", "aws-sm:%", "vault:https://h/a/..#k"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		s, err := Parse(source)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Fatalf("%q: the message is %q", source, err)
			}
			return
		}
		if s.Name == "" || strings.ContainsAny(s.Host, "/@?# \\") || s.Region != "" && !consistsOf(s.Region, "-") {
			t.Fatalf("%q is read as %+v", source, s)
		}
		for _, text := range []string{s.Host, s.Mount, s.Name, s.Version, s.Member, s.Region, s.Stage, s.Namespace, s.Role, s.Auth} {
			if strings.ContainsAny(text, "\x00\r\n\x7f") {
				t.Fatalf("%q is read as %q", source, text)
			}
		}
	})
}
