package synth

// class says how the parts of a phone follow each other.
type class uint8

const (
	silence class = iota
	vowel
	sonorant // nasals, laterals and glides
	fricative
	plosive // closure, burst, and aspiration when voiceless
)

// phone is an entry of the inventory. Frequencies are in Hz for an adult male vocal tract; other talkers scale them.
type phone struct {
	name    string
	letters string // its spelling in transcripts
	class   class
	ms      float64 // median length
	// formant holds the targets F1 to F4. For plosives and fricatives they are the loci that the neighbouring vowels
	// glide towards and away from (Delattre, Liberman and Cooper, JASA 27, 1955).
	formant [4]float64
	zero    float64 // frequency of the nasal zero; 0 where the nose is closed
	voice   float64 // amplitude of voicing relative to a vowel; for plosives that of the voice bar in the closure
	noise   float64 // amplitude of the noise at the constriction, for plosives of the burst
	centre  float64 // centre of the noise band; 0 for a flat spectrum
	width   float64 // bandwidth of the noise
}

// inventory returns the phones of the invented language: the names are ARPABET, the vowel formants the means of the male
// talkers of Peterson and Barney (JASA 24, 1952) with a customary F4. Silence comes first.
func inventory() []phone {
	return []phone{
		{name: "SIL", class: silence, ms: 150, formant: [4]float64{500, 1500, 2500, 3500}},

		{name: "IY", letters: "I", class: vowel, ms: 120, formant: [4]float64{270, 2290, 3010, 3700}, voice: 1},
		{name: "EH", letters: "E", class: vowel, ms: 115, formant: [4]float64{530, 1840, 2480, 3500}, voice: 1},
		{name: "AA", letters: "A", class: vowel, ms: 140, formant: [4]float64{730, 1090, 2440, 3400}, voice: 1},
		{name: "AO", letters: "O", class: vowel, ms: 135, formant: [4]float64{570, 840, 2410, 3300}, voice: 1},
		{name: "UW", letters: "U", class: vowel, ms: 120, formant: [4]float64{300, 870, 2240, 3300}, voice: 1},
		{name: "ER", letters: "ER", class: vowel, ms: 130, formant: [4]float64{490, 1350, 1690, 3300}, voice: 1},

		{name: "M", letters: "M", class: sonorant, ms: 75, formant: [4]float64{280, 900, 2200, 3300}, zero: 450, voice: 0.8},
		{name: "N", letters: "N", class: sonorant, ms: 70, formant: [4]float64{280, 1700, 2600, 3300}, zero: 450, voice: 0.8},
		{name: "L", letters: "L", class: sonorant, ms: 70, formant: [4]float64{350, 1100, 2700, 3300}, voice: 0.7},
		{name: "W", letters: "W", class: sonorant, ms: 70, formant: [4]float64{300, 650, 2200, 3300}, voice: 0.8},

		{name: "S", letters: "S", class: fricative, ms: 110, formant: [4]float64{320, 1750, 2600, 3500}, noise: 1, centre: 5600, width: 1400},
		{name: "SH", letters: "SH", class: fricative, ms: 115, formant: [4]float64{320, 1900, 2500, 3500}, noise: 1.2, centre: 2900, width: 700},
		{name: "F", letters: "F", class: fricative, ms: 95, formant: [4]float64{320, 1000, 2200, 3300}, noise: 0.04},
		{name: "Z", letters: "Z", class: fricative, ms: 85, formant: [4]float64{300, 1750, 2600, 3500}, voice: 0.35, noise: 0.4, centre: 5600, width: 1400},

		{name: "P", letters: "P", class: plosive, ms: 95, formant: [4]float64{250, 850, 2200, 3300}, noise: 0.1},
		{name: "T", letters: "T", class: plosive, ms: 95, formant: [4]float64{250, 1800, 2650, 3500}, noise: 0.8, centre: 4200, width: 1500},
		{name: "K", letters: "K", class: plosive, ms: 105, formant: [4]float64{250, 2100, 2400, 3400}, noise: 0.8, centre: 2000, width: 500},
		{name: "B", letters: "B", class: plosive, ms: 80, formant: [4]float64{250, 850, 2200, 3300}, voice: 0.15, noise: 0.06},
		{name: "D", letters: "D", class: plosive, ms: 75, formant: [4]float64{250, 1800, 2650, 3500}, voice: 0.15, noise: 0.45, centre: 4200, width: 1500},
		{name: "G", letters: "G", class: plosive, ms: 80, formant: [4]float64{250, 2100, 2400, 3400}, voice: 0.15, noise: 0.45, centre: 2000, width: 500},
	}
}

// Phones returns the names of all phones, silence ("SIL") first.
func Phones() []string {
	var names []string
	for _, p := range inventory() {
		names = append(names, p.name)
	}
	return names
}

// phoneSet gives the phones by name.
func phoneSet() map[string]phone {
	set := make(map[string]phone)
	for _, p := range inventory() {
		set[p.name] = p
	}
	return set
}
