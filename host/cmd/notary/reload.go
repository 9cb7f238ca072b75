package main

import (
	"context"
	"slices"
	"time"

	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/sdk/receipt"
)

// reloadTime bounds a reload: modules are fetched and the hardware is asked.
const reloadTime = 2 * time.Minute

// A reload is somebody's wish for a new epoch.
type reload struct{ answer chan reloaded }

type reloaded struct {
	epoch string
	err   error
}

// requestReload is what the control interface calls. If ctx ends first the reload
// goes on.
func (s *server) requestReload(ctx context.Context) (string, error) {
	r := reload{make(chan reloaded, 1)}
	select {
	case s.reloads <- r:
	default:
		return "", control.ErrBusy
	}
	select {
	case done := <-r.answer:
		return done.epoch, done.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// replace begins an epoch with what the configuration says now, and has the old one
// drain in the background. If that fails the old one, which served all the time,
// goes on. It returns the epoch that serves.
func (s *server) replace(ctx context.Context, old *serving) (*serving, error) {
	s.logger.Info("reloading", "epoch", old.n.notary.Epoch().String())
	next, err := s.successor(ctx, old)
	if err != nil {
		hint := hintOf(err)
		err = &exitError{status: statusOf(err), err: err, hint: hint}
		s.logger.Error("the reload failed; the epoch that served goes on", "epoch", old.n.notary.Epoch().String(), "error", oneLine(err.Error()), "hint", hint)
		return old, err
	}
	s.logger.Info("reloaded; the old epoch takes no more data and is sealed", "epoch", next.n.notary.Epoch().String(), "old", old.n.notary.Epoch().String())
	s.draining++
	go func() {
		if err := old.drain(); err != nil {
			s.logger.Error("the old epoch was not sealed in good order; the next start recovers it", "epoch", old.n.notary.Epoch().String(), "error", err)
		}
		s.drained <- old
		old.n.release(context.Background())
	}()
	return next, nil
}

func (s *server) successor(ctx context.Context, old *serving) (*serving, error) {
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	cfg, err := loadConfig(s.configFile)
	if err != nil {
		return nil, err
	}
	if err := old.n.ground.keeps(cfg); err != nil {
		return nil, err
	}
	n, err := startNode(ctx, cfg, old.n.ground, s.logger, s.app.tellStep)
	if err != nil {
		return nil, err
	}
	w, err := s.begin(ctx, n, old)
	if err != nil {
		n.release(context.WithoutCancel(ctx))
	}
	return w, err
}

// forget takes an epoch that has drained from those that are alive.
func (s *server) forget(old *serving) {
	g, epoch := old.n.ground, old.n.notary.Epoch()
	g.alive = slices.DeleteFunc(g.alive, func(e receipt.Epoch) bool { return e == epoch })
	s.draining--
}
