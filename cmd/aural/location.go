package main

import (
	"context"

	"aural/datasets"
	"aural/datasets/bucket"
)

// openLocation opens a store in a local directory or, when where is s3://BUCKET/FOLDER, in a bucket.
func openLocation(where string) (*datasets.Store, error) {
	if !bucket.IsURL(where) {
		return datasets.Open(where)
	}
	b, err := openBucket(context.Background(), where)
	if err != nil {
		return nil, err
	}
	s, err := datasets.OpenFiles(where, bucketFiles{b})
	if err != nil {
		b.Close()
	}
	return s, err
}

func openBucket(ctx context.Context, where string) (*bucket.Bucket, error) {
	cfg, err := bucket.ParseURL(where)
	if err != nil {
		return nil, usage(err)
	}
	return bucket.Open(ctx, cfg)
}

// bucketFiles is a bucket as a store reads it.
type bucketFiles struct{ *bucket.Bucket }

// Open opens an object.
func (b bucketFiles) Open(name string) (datasets.File, error) {
	o, err := b.Bucket.Open(name)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Expect fetches what will be read soon.
func (b bucketFiles) Expect(name string, offset, length int64) {
	b.Prefetch(name, bucket.Range{Offset: offset, Length: length})
}
