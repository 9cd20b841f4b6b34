// SPDX-License-Identifier: Apache-2.0

// Package turns reads the arguments that all programs here have: what to do, turns one after
// another, and workers that do as many again at a time. See README.md for the operations.
package turns

import (
	"fmt"
	"os"
	"strconv"
)

// CrossAccount is the role that "assume" assumes.
const CrossAccount = "arn:aws:iam::444455556666:role/cross-account"

// Run does them all and ends the program when one fails.
func Run(turn func(operation string) error) {
	operation := os.Args[1]
	count, err := strconv.Atoi(os.Args[2])
	end(err)
	workers, err := strconv.Atoi(os.Args[3])
	end(err)
	for range count {
		end(turn(operation))
	}
	results := make(chan error)
	for range workers {
		go func() { results <- turn(operation) }()
	}
	for range workers {
		end(<-results)
	}
	fmt.Println(count + workers)
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
