// Package batch carries a sheet's rows to their outcomes: it decides what a
// row means, checks the whole sheet before anything is sent, sends the changes
// with a pool of workers, settles what is in doubt and stops when a guard says
// so. A row that fails is data here; an error means that the run cannot go on.
// It never prints, never asks and never reads a flag.
package batch
