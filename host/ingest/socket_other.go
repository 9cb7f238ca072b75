//go:build !linux || race

package ingest

import "net"

func quick(conn net.Conn) net.Conn { return conn }
