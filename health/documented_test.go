package health

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the list of rules in docs/HEALTH.md")

// docs/HEALTH.md lists the rules as they are.
func TestDocumented(t *testing.T) {
	const path, end = "../docs/HEALTH.md", "<!-- end of rules -->"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), "-update -->\n")
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no marks around the rules", path)
	}
	want := head + "-update -->\n" + rulesText() + end + tail
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatalf("%s does not list the rules as they are: go test ./health -run TestDocumented -update", path)
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func rulesText() string {
	var b strings.Builder
	for _, r := range Rules() {
		level := "note"
		if r.Level > Healthy {
			level = "up to " + r.Level.String()
		}
		fmt.Fprintf(&b, "**%s** (%s): %s. %s%s\n", r.Name, level, r.Title, strings.ToUpper(r.Description[:1]), r.Description[1:])
		if len(r.Limits) > 0 {
			b.WriteString("\n| threshold | | reason |\n|---|---|---|\n")
		}
		for _, l := range r.Limits {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", l.Name, strings.TrimSpace(fmt.Sprintf("%g %s", l.Value, l.Unit)), l.Reason)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
