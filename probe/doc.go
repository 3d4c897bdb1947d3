// Package probe measures what a frozen representation makes easy to read: linear classifiers are trained on features of some utterances and
// tested on others. A probe is small, convex and without random initial values, so that differences between layers are differences
// between features and not between trainings.
//
//	utterances ─▶ Split ─▶ Fit: standardise, multinomial logistic regression (L-BFGS, float64) ─▶ error on held-out utterances, bootstrap
//
// Features are float32, all arithmetic is float64, and every sum has a fixed order: results are bit-equal for any number of threads.
package probe
