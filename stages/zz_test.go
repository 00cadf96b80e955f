package stages
import ("testing";"os";"strings";"fmt";"io";"encoding/base64";"math/rand/v2";"context";"github.com/firstlight-os/firstlight/report";"github.com/firstlight-os/firstlight/providers")
type providersPlatform = providers.Platform
var providersByID = providers.ByID

func small() string { var b strings.Builder; b.WriteString(`{"ignition": {"version": "3.3.0"}, "storage": {"files": [`)
 for i:=range 5000 { if i>0 {b.WriteString(",\n")}; fmt.Fprintf(&b, `{"path": "/bench/d%d/f%d", "mode": 420, "user": {"id": %d}, "contents": {"source": "data:,file%%20%d"}}`, i%100,i,i%7,i)}
 b.WriteString(`],"directories":[`); for i:=range 100 { if i>0 {b.WriteString(",\n")}; fmt.Fprintf(&b, `{"path": "/bench/d%d", "mode": 493}`, i)}
 b.WriteString(`],"links":[`); for i:=range 1000 { if i>0 {b.WriteString(",\n")}; fmt.Fprintf(&b, `{"path": "/bench/l%d", "target": "x%d"}`, i,i)}
 b.WriteString(`]},"systemd":{"units":[`); for i:=range 200 { if i>0 {b.WriteString(",\n")}; fmt.Fprintf(&b, `{"name": "u%d.service", "enabled":true, "contents": "[Unit]\n"}`, i)}
 b.WriteString("]}}"); return b.String() }
func inline() string { var b strings.Builder; b.WriteString(`{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path":"/big","contents":{"source":"data:;base64,`); e:=base64.NewEncoder(base64.StdEncoding,&b); io.CopyN(e, rand.NewChaCha8([32]byte{}), 32<<20); e.Close(); b.WriteString(`"}}]}}`); return b.String()}
func benchStage(b *testing.B, text, stage string) {
 bb := &bench{t:&testing.T{}, dir: b.TempDir()}
 for v,s := range map[string]string{"IGNITION_SYSTEM_RUNTIME_CONFIG_DIR": "image/run", "IGNITION_SYSTEM_LOCAL_CONFIG_DIR": "image/etc","IGNITION_SYSTEM_CONFIG_DIR": "image/usr", "IGNITION_KERNEL_CMDLINE_PATH": "cmdline", "IGNITION_CONFIG_FILE": "user.ign"} { os.Setenv(v, bb.path(s)) }
 bb.write("cmdline","quiet\n"); bb.write("user.ign", text)
 for b.Loop() { 
  b.StopTimer(); os.RemoveAll(bb.path("root")); bb.write("root/etc/passwd","root:x:0:0::/root:/bin/sh\n")
  p, _ := platformFile()
  null,_ := os.OpenFile("/dev/null", os.O_WRONLY,0)
  o := Options{Platform: p, Root: bb.path("root"), ConfigCache: bb.path("run/ignition.json"), StateFile: bb.path("run/ignition/state"), NeedNet: bb.path("run/neednet"), Log: report.NewWriterLogger(null)}
  if stage=="files" { o.Stage="fetch"; if err:=Run(context.Background(),o); err!=nil {b.Fatal(err)} }
  b.StartTimer(); o.Stage=stage; if err:=Run(context.Background(),o); err!=nil {b.Fatal(err)} }
}
func BenchmarkFetchSmall(b *testing.B){ benchStage(b, small(), "fetch") }
func BenchmarkFilesSmall(b *testing.B){ benchStage(b, small(), "files") }
func BenchmarkFetchInline(b *testing.B){ benchStage(b, inline(), "fetch") }
func BenchmarkFilesInline(b *testing.B){ benchStage(b, inline(), "files") }
func platformFile() (p providersPlatform, err error) { return providersByID("file") }
