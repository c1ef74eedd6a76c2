/** What an audio worklet finds around it; TypeScript's DOM library does not know it. */
declare const sampleRate: number
declare class AudioWorkletProcessor {
  readonly port: MessagePort
  constructor(options?: unknown)
}
declare function registerProcessor(name: string, processor: unknown): void
