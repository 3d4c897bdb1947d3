package audio

import "errors"

func decodeOggFLAC(s *oggStream, clip *Clip, lim Limits) error { return errors.New("not yet") }
