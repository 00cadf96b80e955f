package providers

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
)

// azureDescription is a description with custom data, as Azure writes it.
func azureDescription(customData string) string {
	return `<?xml version="1.0" encoding="utf-8"?><!-- <CustomData>no</CustomData> -->
<ns0:Environment xmlns:ns0="http://schemas.dmtf.org/ovf/environment/1" xmlns:ns1="http://schemas.microsoft.com/windowsazure">
<ns1:ProvisioningSection><ns1:LinuxProvisioningConfigurationSet>` + customData + `</ns1:LinuxProvisioningConfigurationSet></ns1:ProvisioningSection>
</ns0:Environment>`
}

// opticalScanner takes devices whose names begin with sr for optical drives.
func opticalScanner(env *Env) *blockScanner {
	scanner := newBlockScanner(env)
	scanner.status = func(f *os.File) (int, error) {
		if strings.HasPrefix(filepath.Base(f.Name()), "sr") {
			return cdromDiscOK, nil
		}
		return 0, syscall.ENOTTY
	}
	return scanner
}

func TestCustomDataIsReadFromTheDVD(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte(plain))
	wrapped := encoded[:10] + "\r\n  " + encoded[10:] + "\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a file":                    {map[string]string{ovfDescription: azureDescription(""), ovfCustomData: plain}, "CustomData.bin on the DVD in sr0"},
		"the element counts":        {map[string]string{ovfDescription: azureDescription("<ns1:CustomData>" + encoded + "</ns1:CustomData>"), ovfCustomData: "other"}, "ovf-env.xml on the DVD"},
		"a broken element, a file":  {map[string]string{ovfDescription: azureDescription("<ns1:CustomData>?</ns1:CustomData>"), ovfCustomData: plain}, "CustomData.bin"},
		"broken XML, a file":        {map[string]string{ovfDescription: azureDescription("")[:300], ovfCustomData: plain}, "CustomData.bin"},
		"an empty element, a file":  {map[string]string{ovfDescription: azureDescription("<ns1:CustomData/>"), ovfCustomData: plain}, "CustomData.bin"},
		"an element":                {map[string]string{ovfDescription: azureDescription("<ns1:CustomData>" + encoded + "</ns1:CustomData>")}, "ovf-env.xml on the DVD"},
		"an element over lines":     {map[string]string{ovfDescription: azureDescription("<CustomData xmlns='x'>" + wrapped + "</CustomData>")}, "ovf-env.xml"},
		"neither":                   {map[string]string{ovfDescription: azureDescription("<ns1:UserName>CustomData</ns1:UserName>")}, ""},
		"an empty element":          {map[string]string{ovfDescription: azureDescription("<ns1:CustomData/>")}, ""},
		"an element as CDATA":       {map[string]string{ovfDescription: azureDescription("<CustomData><![CDATA[" + encoded + "]]></CustomData>")}, "ovf-env.xml"},
		"an element with elements":  {map[string]string{ovfDescription: azureDescription("<CustomData>" + encoded + "<x/></CustomData>")}, ""},
		"a description that is cut": {map[string]string{ovfDescription: azureDescription("")[:300]}, "error: reading the DVD in sr0: reading the element CustomData of ovf-env.xml: this is not well-formed XML (line 3)"},
		"an element that is broken": {map[string]string{ovfDescription: azureDescription("<CustomData>%secret%</CustomData>")}, "error: reading the DVD in sr0: reading the element CustomData of ovf-env.xml: it should be base64"},
	} {
		for _, maker := range []string{"genisoimage -r -J", "genisoimage", "genisoimage -udf"} {
			env := newEnv(t)
			attach(t, env, "sr0", image{maker, "rd_rdfe_stable", tc.files}.bytes(t))
			raw, err := awaitOVF(t.Context(), env, opticalScanner(env))
			wrong, fails := strings.CutPrefix(tc.want, "error: ")
			switch {
			case fails && (err == nil || !strings.Contains(err.Error(), wrong) || strings.Contains(report.Box("fetch", err), "secret")):
				t.Errorf("%s, %s: %+v, %v", name, maker, raw, err)
			case !fails && (err != nil || (raw == nil) != (tc.want == "") || raw != nil && (string(raw.Text) != plain || !strings.Contains(raw.Name, tc.want))):
				t.Errorf("%s, %s: %+v, %v", name, maker, raw, err)
			}
		}
	}
}

func TestOtherDiscsAndDisksAreNotTheDVD(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, log := logged(t)
		env.Timeout = time.Minute
		files := map[string]string{ovfDescription: azureDescription(""), ovfCustomData: plain}
		attach(t, env, "vdb", image{"genisoimage -r", "disk", files}.bytes(t))
		attach(t, env, "sr0", image{"genisoimage -r", "tools", map[string]string{"readme": "x"}}.bytes(t))
		_, err := awaitOVF(t.Context(), env, opticalScanner(env))
		want := `waiting for the DVD with ovf-env.xml: it has not appeared within 1m0s; there are: sr0 (iso9660 "tools"), vdb (iso9660 "disk")`
		if err == nil || err.Error() != want || !strings.Contains(report.Box("fetch", err), "ignition.platform.id=metal") {
			t.Errorf("got %v", err)
		}
		if !strings.Contains(log(), "waiting for the DVD with ovf-env.xml, for 40s so far, 20s left; there are") {
			t.Errorf("it says\n%s", log())
		}
		attach(t, env, "sr1", image{"genisoimage -r", "other", files}.bytes(t))
		if raw, err := awaitOVF(t.Context(), env, opticalScanner(env)); err != nil || !strings.Contains(raw.Name, "sr1") {
			t.Errorf("two discs: %+v, %v", raw, err)
		}
	})
}

func TestDVDThatIsThereAlready(t *testing.T) {
	env := newEnv(t)
	attach(t, env, "sr0", image{"genisoimage -r", "x", map[string]string{ovfDescription: azureDescription(""), ovfCustomData: plain}}.bytes(t))
	if raw := scanForOVF(opticalScanner(env)); raw == nil || string(raw.Text) != plain {
		t.Errorf("got %+v", raw)
	}
	if raw := fetchOVFNow(env); raw != nil { // a file is no optical drive
		t.Errorf("got %+v", raw)
	}
	if _, err := fetchOVF(t.Context(), env); err == nil || !strings.Contains(err.Error(), "waiting for the DVD") {
		t.Errorf("got %v", err)
	}
}

func TestPasswordIsReadFromTheDVD(t *testing.T) {
	const unreadable = "the machine gets no password: "
	for name, tc := range map[string]struct{ description, want, wrong, warning string }{
		"a password":      {azureDescription("<ns1:UserName>me</ns1:UserName><ns1:AdminPassword>s&lt;cret </ns1:AdminPassword>"), "s<cret ", "", ""},
		"another name":    {azureDescription("<ns1:adminPassword>secret</ns1:adminPassword>"), "secret", "", ""},
		"none":            {azureDescription("<ns1:UserName>me</ns1:UserName>"), "", "", ""},
		"a blank one":     {azureDescription("<ns1:AdminPassword> </ns1:AdminPassword>"), "", "", ""},
		"XML that is cut": {azureDescription("<ns1:AdminPassword>secret")[:300], "", "reading the element AdminPassword of ovf-env.xml: this is not well-formed XML", ""},
		"no DVD":          {"", "", "", unreadable + "waiting for the DVD with ovf-env.xml: "},
	} {
		synctest.Test(t, func(t *testing.T) {
			env, log := logged(t)
			if tc.description != "" {
				attach(t, env, "sr0", image{"genisoimage -udf", "rd_rdfe_stable", map[string]string{ovfDescription: tc.description}}.bytes(t))
			}
			got, err := azurePassword(NewAsker(t.Context(), env, nil), opticalScanner(env))
			if got != tc.want || (err != nil) != (tc.wrong != "") || err != nil && (!strings.Contains(err.Error(), tc.wrong) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
			if !strings.Contains(log(), tc.warning) || strings.Contains(log(), unreadable) != (tc.warning != "") {
				t.Errorf("%s: the log is %s", name, log())
			}
		})
	}
}
