// @ts-check
// The page's audio graph: one context, a capture worklet while the microphone is open, one playback
// worklet. Hands ports to the socket's worker; sees levels and reports, never samples.

/**
 * @typedef {{type: string, [field: string]: any}} PlaybackReport see playout.js and worklets.js
 * @typedef {{
 *   onInputLevel: (levelDbfs: number) => void,
 *   onPlayback: (report: PlaybackReport) => void,
 *   onMicrophoneLost: () => void,
 * }} AudioListeners
 */

/** Born at the first gesture of the person: browsers keep a context silent before one. */
export class AudioGraph {
  /** @param {Worker} worker the socket's @param {AudioListeners} listeners */
  constructor(worker, listeners) {
    this._worker = worker;
    this._listeners = listeners;
    /** @type {Promise<AudioContext> | null} */
    this._starting = null;
    /**
     * @type {{stream: MediaStream, source: MediaStreamAudioSourceNode, node: AudioWorkletNode} |
     * null}
     */
    this._capture = null;
  }

  get isCapturing() {
    return this._capture !== null;
  }

  /**
   * Running, with the loudspeaker attached. Call it inside a gesture.
   * @returns {Promise<AudioContext>}
   */
  async wake() {
    this._starting ??= this._start().catch((error) => {
      this._starting = null;
      throw error;
    });
    const context = await this._starting;
    if (context.state !== "running") await context.resume();
    return context;
  }

  /** After a rest; a page that never had a gesture stays silent. */
  async resume() {
    if (this._starting !== null) await this.wake();
  }

  /** Lets go of the sound device until the next wake. */
  async rest() {
    const context = await this._starting;
    if (context?.state === "running" && !this.isCapturing) await context.suspend();
  }

  /** Takes the stream over. @param {MediaStream} stream */
  async capture(stream) {
    try {
      this._connect(stream, await this.wake());
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
  }

  /** @param {MediaStream} stream @param {AudioContext} context */
  _connect(stream, context) {
    const node = new AudioWorkletNode(context, "parley-capture", { numberOfOutputs: 0 });
    const { port1, port2 } = new MessageChannel();
    node.port.postMessage({ frames: port1 }, [port1]);
    this._worker.postMessage({ type: "capture", port: port2 }, [port2]);
    node.port.onmessage = ({ data }) => this._listeners.onInputLevel(data);
    const source = context.createMediaStreamSource(stream);
    source.connect(node);
    for (const track of stream.getTracks()) track.onended = () => this._lose();
    this._capture = { stream, source, node };
  }

  /** @param {boolean} isMuted silence is sent instead of what the microphone hears */
  mute(isMuted) {
    for (const track of this._capture?.stream.getTracks() ?? []) track.enabled = !isMuted;
  }

  /** Closes the microphone; the worker then commits what was being said. */
  release() {
    if (this._capture === null) return;
    const { stream, source, node } = this._capture;
    this._capture = null;
    node.port.postMessage({ isEnd: true });
    for (const track of stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    source.disconnect();
  }

  _lose() {
    this.release();
    this._listeners.onMicrophoneLost();
  }

  /** @returns {Promise<AudioContext>} */
  async _start() {
    if (!globalThis.AudioWorkletNode) throw new Error("this browser has no AudioWorklet");
    const context = new AudioContext({ latencyHint: "interactive" });
    await context.audioWorklet.addModule("/worklets.js");
    const node = new AudioWorkletNode(context, "parley-playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    const { port1, port2 } = new MessageChannel();
    node.port.postMessage({ worker: port1 }, [port1]);
    this._worker.postMessage({ type: "playback", port: port2 }, [port2]);
    node.port.onmessage = ({ data }) => this._listeners.onPlayback(data);
    node.connect(context.destination);
    return context;
  }
}
