package runlog

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestMetricTable(t *testing.T) {
	seen := map[string]bool{}
	aliases := map[Alias]string{}
	for _, m := range Metrics() {
		if seen[m.Name] || !validName(m.Name, true) || m.Description == "" {
			t.Errorf("%q: named twice, badly named or not described", m.Name)
		}
		seen[m.Name] = true
		if m.Nats != (m.Unit == "nats") {
			t.Errorf("%s: Nats %v with unit %q", m.Name, m.Nats, m.Unit)
		}
		for _, a := range m.Aliases {
			key := Alias{Name: a.Name, Source: a.Source}
			if other := aliases[key]; other != "" {
				t.Errorf("%s of %s means %s and %s", a.Name, a.Source, other, m.Name)
			}
			aliases[key] = m.Name
			// A name may be ours and an alias only of the same metric, or a search would be ambiguous.
			if found, err := Lookup(a.Name); err != nil || found.Metric.Name != m.Name {
				t.Errorf("alias %s of %s finds %s, %v", a.Name, m.Name, found.Metric.Name, err)
			}
			if a.Bits && !m.Nats {
				t.Errorf("%s: alias %s in bits of what is no amount of information", m.Name, a.Name)
			}
		}
		for _, r := range m.References {
			if _, ok := metricByName(r.Metric); r.Metric != "" && !ok {
				t.Errorf("%s: reference to unknown %s", m.Name, r.Metric)
			}
		}
	}
}

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{
		"loss":                         "loss",
		"train/loss":                   "train/loss",
		"loss_0":                       "contrastive_loss",
		"valid/loss_1":                 "valid/weighted_diversity_loss",
		"valid/ppl":                    "valid/prob_perplexity",
		"gnorm":                        "gradient_norm",
		"grad_norm":                    "gradient_norm",
		"constrast_loss":               "contrastive_loss",
		"%_mask_idx":                   "masked_share",
		"train/code_perplexity/1":      "train/code_perplexity/1",
		"time/forward":                 "time/forward",
		"train/time/forward":           "train/time/forward",
		"train/prob_perplexity/000":    "",
		"train/loss/0":                 "",
		"los":                          "",
		"valid/contrastive_loss/extra": "",
		"":                             "",
	} {
		m, err := Lookup(name)
		if got := m.Name(); err == nil && got != want || err != nil && (want != "" || !errors.Is(err, ErrUnknownMetric)) {
			t.Errorf("%q: got %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestSuggestions(t *testing.T) {
	for name, want := range map[string]string{
		"acuracy":               "accuracy",
		"train/gradnorm":        "gradient_norm",
		"perplexity":            "code_perplexity",
		"valid/contrastiv_loss": "contrastive_loss",
		"learningrate":          "learning_rate",
	} {
		_, err := Lookup(name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v does not suggest %s", name, err, want)
		}
	}
	if _, err := Lookup("zzzzzzzzzz"); err == nil || strings.Contains(err.Error(), "did you mean") {
		t.Errorf("a name like no other: %v", err)
	}
}

// The values of guessing that the notes of the table name: ln 101 nats are 6.658 bits.
func TestBits(t *testing.T) {
	if got := math.Log(101) * BitsPerNat; math.Abs(got-6.658211) > 1e-6 {
		t.Errorf("ln 101 nats are %v bits", got)
	}
}
