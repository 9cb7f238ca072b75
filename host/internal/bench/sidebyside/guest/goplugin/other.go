//go:build !wasip1

package main

// The guest is built for wasip1 only.
func main() {}
