// A Checker asks the worker, which has the Go code, one question at a time: what was typed
// while it is at work waits, and only the newest of it.
export class Checker {
  // program is the WebAssembly, in gzip. The functions of answered are called with an
  // answer of that kind, and failed with why there is none.
  constructor(program, answered, failed) {
    Object.assign(this, { program, answered, failed, next: null, later: null, busy: false });
    this.start();
  }

  start() {
    const source = new Blob([WORKER], { type: "text/javascript" });
    const url = URL.createObjectURL(source);
    this.worker = new Worker(url);
    URL.revokeObjectURL(url);
    this.worker.onmessage = ({ data }) => this.done(data);
    this.worker.onerror = (event) => this.done({ failure: event.message || "the worker has ended" });
    this.worker.postMessage({ program: this.program });
  }

  // check asks for an answer.
  check(text, options) {
    this.ask("check", text, options);
    this.later = null; // details of an older text
  }

  // details asks for more, when there is time.
  details(text, options) {
    if (this.busy) this.later = { kind: "details", text, options: JSON.stringify(options) };
    else this.ask("details", text, options);
  }

  ask(kind, text, options) {
    this.next = { kind, text, options: JSON.stringify(options) };
    if (!this.busy) this.send();
  }

  send() {
    this.busy = true;
    this.worker.postMessage(this.next ?? this.later);
    if (this.next === null) this.later = null;
    this.next = null;
  }

  done({ kind, answer, failure }) {
    this.busy = false;
    const stale = this.next !== null;
    if (failure !== undefined) {
      // Such as no memory for a huge text. A new worker begins anew.
      this.worker.terminate();
      this.start();
    }
    if (this.next !== null || this.later !== null) this.send();
    if (stale) return; // it is of an older text
    if (failure !== undefined) this.failed(failure);
    else this.answered[kind](JSON.parse(answer));
  }
}
