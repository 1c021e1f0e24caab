// Black-box ears, injected before any script of the page: records what reaches the loudspeakers and
// what is asked of the microphone. Needs nothing from the page and no exception in its CSP.
(() => {
  const ears = { blocks: [], rateHz: 0, constraints: null, voices: [], room: null };
  globalThis.__ears = ears;

  // 20 s of waiting blocks: a ScriptProcessor of any size lost sound whenever a busy page was late.
  const MOST_WAITING_BLOCKS = 2000;

  async function record(track) {
    const processor = new MediaStreamTrackProcessor({ track, maxBufferSize: MOST_WAITING_BLOCKS });
    const reader = processor.readable.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const samples = new Float32Array(next.value.numberOfFrames);
      next.value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      next.value.close();
      ears.blocks.push(Int16Array.from(samples, (x) => Math.max(-1, Math.min(1, x)) * 32767));
    }
  }

  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      const tap = new MediaStreamAudioDestinationNode(this.context, { channelCount: 1 });
      ears.rateHz = this.context.sampleRate;
      connect.call(this, tap);
      record(tap.stream.getAudioTracks()[0]);
      ears.voices.push(tap.stream);
      ears.room?.enter(tap.stream);
    }
    return connect.call(this, target, ...rest);
  };

  // A room with a loudspeaker in it: the page's microphone hears the page itself, and whoever the
  // test lets speak. `globalThis.__room` = {gain, delayS} turns it on.
  class Room {
    constructor({ gain, delayS }) {
      this.context = new AudioContext();
      this.microphone = new MediaStreamAudioDestinationNode(this.context, { channelCount: 1 });
      this.loudspeaker = new GainNode(this.context, { gain });
      const path = new DelayNode(this.context, { delayTime: delayS, maxDelayTime: 1 });
      connect.call(connect.call(this.loudspeaker, path), this.microphone);
      ears.voices.forEach((stream) => this.enter(stream));
    }

    enter(stream) {
      connect.call(this.context.createMediaStreamSource(stream), this.loudspeaker);
    }

    async speak(base64) {
      const bytes = Uint8Array.from(atob(base64), (mark) => mark.charCodeAt(0));
      const buffer = await this.context.decodeAudioData(bytes.buffer);
      const source = new AudioBufferSourceNode(this.context, { buffer });
      connect.call(source, this.microphone);
      source.start();
    }
  }

  const RAW = {
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  };
  const devices = navigator.mediaDevices;
  const getUserMedia = devices?.getUserMedia.bind(devices);
  if (devices) {
    ears.opened = 0;
    devices.getUserMedia = async (constraints) => {
      ears.constraints = constraints;
      ears.opened += 1;
      if (globalThis.__room) {
        ears.room ??= new Room(globalThis.__room);
        await ears.room.context.resume();
        return ears.room.microphone.stream.clone();
      }
      ears.stream = await getUserMedia(globalThis.__rawMicrophone ? RAW : constraints);
      return ears.stream;
    };
  }

  ears.isSilent = () => ears.blocks.length > 0 && ears.blocks.at(-1).every((x) => x === 0);

  ears.base64 = () => {
    const bytes = new Uint8Array(ears.blocks.reduce((sum, pcm) => sum + pcm.byteLength, 0));
    let from = 0;
    for (const pcm of ears.blocks) {
      bytes.set(new Uint8Array(pcm.buffer), from);
      from += pcm.byteLength;
    }
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768) {
      text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    }
    return btoa(text);
  };
})();
