// Package reference holds published trajectories of wav2vec 2.0 pretraining, so that a run can be compared with runs that
// are known to have worked. It holds numbers and interpolates between them; it reads no log.
//
// All of them are for the BASE model on the 960 h of LibriSpeech with the published task: spans of 10 masked steps that
// cover half of the input, K = 100 distractors, two codebooks of 320 entries. Accuracies of other tasks do not compare: with
// spans of one step, for example, they approach 1.
//
// Sources:
//
//	DLE     NVIDIA DeepLearningExamples, PyTorch/SpeechRecognition/wav2vec2, README: eight seeds of the published recipe
//	        on eight A100, a batch of 1.56 h, training accuracy
//	sizes   N. Vaessen and D. A. van Leeuwen, The effect of batch size on contrastive self-supervised speech representation
//	        learning, arXiv 2402.13723, and the curves in its repository: one run for each batch of 87.5 s to 80 min over
//	        400k updates, cyclic learning rate, no LayerDrop, validation accuracy
//	norm    README of the speech pretraining example of transformers: "ideally between 0.5 and 2"
package reference

// The published batch: 64 GPUs of at most 1.4 million samples each (wav2vec 2.0, section 4.2, and its fairseq recipe).
const (
	PublishedBatchSeconds = 5600.0
	PublishedEntries      = 640 // entries of both codebooks
)

// SmallestBatchSeconds is the smallest batch that a result is published for.
const SmallestBatchSeconds = 87.5
