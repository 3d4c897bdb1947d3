package main

import (
	"context"
	"errors"
	"fmt"

	"aural/datasets"
	"aural/datasets/bucket"

	"github.com/spf13/cobra"
)

const bucketHelp = `The endpoint comes from AURAL_S3_ENDPOINT or AWS_ENDPOINT_URL, the region from AWS_REGION, the keys
from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or the AWS credentials file. The location may name
an endpoint too: s3://BUCKET/FOLDER?endpoint=http://127.0.0.1:9000. Reading keeps a cache in
AURAL_S3_CACHE.`

func (a *app) dataPush() *cobra.Command {
	return a.command(&cobra.Command{
		Use:   "push STORE s3://BUCKET/FOLDER",
		Short: "Put a store into an S3 bucket, where training can read it",
		Long: `Push uploads the files of a store. Those that are there already are skipped, so the same command
goes on with an upload that was interrupted. The store appears when its last file is there. All
commands that read a store, and training, take s3://BUCKET/FOLDER for it.

` + bucketHelp,
		Example: "  aural data push stores/all s3://speech/all",
		Args:    cobra.ExactArgs(2),
	}, func(args []string) error {
		if !bucket.IsURL(args[1]) {
			return usagef("%q is no place in a bucket: want s3://BUCKET/FOLDER", args[1])
		}
		ctx, release := interruptible()
		defer release()
		s, err := a.openStore(args[0])
		if err != nil {
			return err
		}
		names := s.FileNames()
		if err := s.Close(); err != nil {
			return err
		}
		b, err := openBucket(ctx, args[1])
		if err != nil {
			return err
		}
		defer b.Close()
		bar := newTicker(a.err, false)
		skipped := 0
		err = b.Upload(ctx, args[0], names, func(p bucket.Progress) {
			if p.Skipped {
				skipped++
			}
			bar.show(p.Sent == p.Total, fmt.Sprintf("%s of %s", bytesText(p.Sent), bytesText(p.Total)))
		})
		bar.close()
		if errors.Is(err, context.Canceled) {
			return coded{exitStopped, errors.New("interrupted: the same command goes on from here")}
		}
		if err != nil {
			return err
		}
		a.print("%s: %s, %d of them there before", args[1], plural(len(names), "file"), skipped)
		return nil
	})
}

var _ datasets.Ahead = bucketFiles{}
