// Command rdx is the scanner as a redactor of this project.
package main

import (
	"github.com/veriproof/notary/host/internal/bench/sidebyside/scan"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

func init() {
	redactor.Register(redactor.Spec{
		Labels: []string{"BADGE"},
		Configure: func([]byte) (redactor.Redactor, error) {
			return redactor.EachField(func(f *abi.Field, found redactor.Found) {
				scan.Scan(f.Text, func(start, end int) { found(start, end, 0, 0) })
			}), nil
		},
	})
}

func main() {}
