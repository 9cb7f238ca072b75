package detect

import "github.com/veriproof/notary/sdk/plugin/config"

// DefaultThreshold is the score from which findings count unless configured:
// a checksum, a form that hardly anything else has, or a word beside it.
const DefaultThreshold = 500

// off is a threshold that no score reaches.
const off = MaxScore + 1

// New returns a detector of all labels at [DefaultThreshold].
func New() *Detector {
	d := new(Detector)
	d.setAll(DefaultThreshold)
	return d
}

func (d *Detector) setAll(threshold int) {
	for l := range d.threshold {
		d.threshold[l] = uint16(threshold)
	}
}

// Configure returns a detector as a JSON object describes it; an empty text
// means the defaults.
//
//	{"threshold": 500, "labels": {"PHONE": {"threshold": 700}, "IP": {"enabled": false}}}
//
// The member threshold is the default of the labels that have none of their
// own, wherever it stands. An unknown key or label and a threshold outside 0 to
// [MaxScore] are errors ([config.ErrConfig]): a typing error must not switch a
// detector off.
func Configure(text []byte) (*Detector, error) {
	d, own := New(), new(Detector)
	err := config.Read(text, func(r *config.Reader, key string) {
		switch key {
		case "threshold":
			d.setAll(r.Int(0, MaxScore))
		case "labels":
			r.Object(func(name string) { own.configureLabel(r, name) })
		default:
			r.Unknown(key)
		}
	})
	if err != nil {
		return nil, err
	}
	for l, t := range own.threshold {
		if t > 0 {
			d.threshold[l] = t - 1
		}
	}
	return d, nil
}

// configureLabel notes what is said of one label, one too high, so that zero
// stands for nothing said.
func (d *Detector) configureLabel(r *config.Reader, name string) {
	l, ok := labelOf(name)
	if !ok {
		r.Unknown(name)
		return
	}
	enabled := true
	r.Object(func(key string) {
		switch key {
		case "threshold":
			d.threshold[l] = uint16(r.Int(0, MaxScore)) + 1
		case "enabled":
			enabled = r.Bool()
		default:
			r.Unknown(key)
		}
	})
	if !enabled {
		d.threshold[l] = off + 1
	}
}

func labelOf(name string) (Label, bool) {
	for l, n := range labelNames {
		if n == name {
			return Label(l), true
		}
	}
	return 0, false
}
