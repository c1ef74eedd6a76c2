"""Sound in: files, codecs, resampling, voice activity, utterance cutting."""
