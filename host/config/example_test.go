package config_test

import (
	"errors"
	"fmt"

	"github.com/veriproof/notary/host/config"
)

// A file that is wrong is told with every problem, its line and what to do.
func ExampleParse() {
	_, err := config.Parse("notary.yaml", []byte("version: 1\nsesions:\n  idle: 5m\nlog:\n  origin: example.org/log\n  dri: log\n"))
	var e *config.Error
	if errors.As(err, &e) {
		for _, p := range e.Problems {
			fmt.Printf("line %d: %s %s\n", p.Line, p.Text, p.Hint)
		}
	}
	// Output:
	// line 2: unknown key "sesions" did you mean "sessions"?
	// line 6: unknown key "dri" did you mean "dir"?
}

func ExampleLoad() {
	c, err := config.Load("testdata/notary.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Mode, c.Sessions.Idle, c.Limits.RequestBytes, c.Path(c.Log.Dir))
	recipients, err := c.ReadRecipients()
	fmt.Println(len(recipients), err)
	// Output:
	// enforce 15m0s 16MiB testdata/data/log
	// 2 <nil>
}
