// Package bucket reads the files of a store from an S3-compatible bucket, and puts them there. It is the only door to the
// S3 client.
//
// A training run reads pieces of about 400 KB in random order from shards of about 500 MB. A request to a bucket costs some
// tens of milliseconds whatever it asks for, so an object is read in aligned blocks by range requests, a block that was
// fetched stays in a bounded cache on the local disk, and goroutines that want the same block share one request.
//
// Three things are never given up for speed. The bytes of two versions of an object are never mixed: a reader is bound to the
// ETag and the size that it saw when it was opened, every request names that ETag and every answer is checked against it.
// A block from the disk is used only if its key and its CRC-32C are right, since the disk, a crash or another process may have
// done anything to it; else it is fetched again. And the length of every answer is checked, because a connection that is cut
// looks like a short file.
//
// What may pass by itself (a timeout, a reset connection, 5xx, SlowDown, a short answer) is tried again with growing waits. What
// will not (a wrong key, region or name) is an error that says what to check. Credentials appear in no error.
package bucket
