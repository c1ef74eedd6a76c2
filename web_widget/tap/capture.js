/** The streams of those who have no softphone to tap: the microphone, and the sound of a tab. */

const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false }

/** Something is missing; `name` says what, as browsers name it. */
export class CaptureError extends Error {
  /** @param {string} name */
  constructor(name) {
    super(name)
    this.name = name
  }
}

/** Throws what the browser throws, or {@link CaptureError}. */
export async function microphone() {
  if (!navigator.mediaDevices) throw new CaptureError('insecure')
  // Headsets need none of the browser's cleaning, and it eats the beginnings of words.
  return navigator.mediaDevices.getUserMedia({ audio: PLAIN })
}

/** Asks which tab; only its sound is kept. */
export async function tab() {
  if (!navigator.mediaDevices?.getDisplayMedia) throw new CaptureError('insecure')
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: PLAIN })
  for (const track of stream.getVideoTracks()) {
    track.stop()
    stream.removeTrack(track)
  }
  if (!stream.getAudioTracks().length) throw new CaptureError('no_audio_track')
  return stream
}

/** @param {...(MediaStream|null)} streams */
export function release(...streams) {
  for (const stream of streams) stream?.getTracks().forEach((track) => track.stop())
}
