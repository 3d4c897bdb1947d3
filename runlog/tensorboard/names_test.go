package tensorboard

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNames(t *testing.T) {
	for _, c := range []struct{ folder, tag, want string }{
		// aural
		{"", "train/loss", "train/loss"},
		{"", "train/code_perplexity/1", "train/code_perplexity/1"},
		{"", "train/time/forward", "train/time/forward"},
		{"", "host/cpu", "host/cpu"},
		// fairseq
		{"train", "loss_0", "train/contrastive_loss"},
		{"valid", "prob_perplexity", "valid/prob_perplexity"},
		{"", "train_inner/loss_1", "train/weighted_diversity_loss"},
		{"", "train_inner/gnorm", "train/gradient_norm"},
		{"dev_other", "uer", "dev_other/cer"},
		// transformers and others
		{"", "train/grad_norm", "train/gradient_norm"},
		{"", "eval/wer", "valid/wer"},
		{"", "eval/loss", "valid/loss"},
		{"", "eval/samples_per_second", "valid/samples_per_second"},
		{"", "constrast_loss", "train/contrastive_loss"},
		{"", "val_contrastive_loss", "valid/contrastive_loss"},
		{"", "val_loss", "valid/loss"},
		{"", "Loss/train", "train/loss"},
		{"", "Accuracy/val", "valid/accuracy"},
		{"validation", "epoch_loss", "validation/epoch_loss"},
		// Unknown ones keep their names.
		{"", "foo", "train/foo"},
		{"", "train_wall", "train/train_wall"},
		{"", "my own (metric)", "train/my_own_metric"},
		{"", "gan/generator/penalty", "gan/generator/penalty"},
		{"", "gan-2/penalty", "gan_2/penalty"},
		{"", "dev-other/loss_0", "dev_other/contrastive_loss"},
		{"valid", "gan/penalty", "valid/gan/penalty"},
		{"", "train", "train/train"},
		{"", "", "train/_"},
		{"", "///", "train/_"},
		{"", "größe", "train/gr_e"},
		{"", strings.Repeat("x", 200), "train/" + strings.Repeat("x", maxName)},
	} {
		if got := nameOf(c.folder, c.tag).series; got != c.want {
			t.Errorf("%q in %q: %s, want %s", c.tag, c.folder, got, c.want)
		}
	}
}

// Names of the log have no other characters, whatever the tag.
func TestNamesAreClean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind, name, ok := strings.Cut(nameOf("", rapid.String().Draw(t, "tag")).series, "/")
		bad := func(s, more string) bool {
			return s == "" || len(s) > 100 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"+more) != ""
		}
		if !ok || bad(kind, "") || bad(name, "/-.%") {
			t.Fatalf("%q / %q", kind, name)
		}
	})
}

// Folders below the one that holds all files tell the kind; two tags never share a series.
func TestFolders(t *testing.T) {
	dir := t.TempDir()
	at := func(path string, data []byte) {
		write(t, filepath.Join(dir, filepath.FromSlash(path), "x.tfevents"), data)
	}
	at("logs/train", loss(1, 1, 1))
	if got := strings.Join(open(t, dir).Names(), " "); got != "train/loss" {
		t.Errorf("one folder, named after a kind: %s", got)
	}
	at("logs/validation", loss(1, 1, 2))
	at("logs/extra/ablation 1", loss(1, 1, 3))
	at("logs/.hidden", loss(1, 1, 3))
	at("logs", append(loss(1, 1, 4), loss(2, 2, 4)...))
	e := open(t, dir)
	if got := strings.Join(e.Names(), " "); got != "extra_ablation_1/loss train/loss train/loss_2 valid/loss" {
		t.Errorf("folders: %s", got)
	}
	if got := show(e, "train/loss_2"); got != "1:4 2:4" {
		t.Errorf("the second of a name: %s", got)
	}
	if got := open(t, filepath.Join(dir, "logs", "validation", "x.tfevents")).Names(); len(got) != 1 || got[0] != "valid/loss" {
		t.Errorf("a file in a folder named after a kind: %v", got)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Logf("this system makes no links: %v", err)
	} else if got := open(t, link).Names(); len(got) != 4 {
		t.Errorf("through a link: %v", got)
	}
}
