// The landing page's network: an LSTM of 64 units that reads while you type. All of it runs in your browser.
// tools/reader.py trains it and writes its weights; tests/book/test_reader.py holds these lines to the reference in NumPy.

const readerKinds = ["code", "string", "docstring", "comment"];

function readerWeights(model) {
  const weights = {};
  for (const [name, { scale, data }] of Object.entries(model.arrays)) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    weights[name] = Float64Array.from(new Int16Array(bytes.buffer), (whole) => whole * scale);
  }
  return weights;
}

// For each character: the memory tanh c of each unit, and the probability of each kind. One step of the loop is
// [i f g o] = σ, σ, tanh, σ of U x + W h + b;  c = f c + i g;  h = o tanh c;  then softmax of V h + b_y.
function readerReads({ E, U, W, b, V, b_y }, text) {
  const n = b.length / 4, m = U.length / (4 * n), k = b_y.length, answers = [];
  const sigmoid = (a) => 1 / (1 + Math.exp(-a));
  let h = new Float64Array(n), c = new Float64Array(n);
  for (const letter of "\0" + text) { // \0: a new text begins
    const code = letter.codePointAt(0) < 128 ? letter.codePointAt(0) : 63; // "?", as in training
    const net = Float64Array.from(b);
    for (let row = 0; row < 4 * n; row++) {
      for (let j = 0; j < m; j++) net[row] += U[row * m + j] * E[code * m + j];
      for (let j = 0; j < n; j++) net[row] += W[row * n + j] * h[j];
    }
    const memory = new Float64Array(n);
    for (let j = 0; j < n; j++) {
      const [i, f, g, o] = [net[j], net[n + j], net[2 * n + j], net[3 * n + j]];
      c[j] = sigmoid(f) * c[j] + sigmoid(i) * Math.tanh(g);
      memory[j] = Math.tanh(c[j]);
      h[j] = sigmoid(o) * memory[j];
    }
    const logits = Array.from({ length: k }, (_, row) => {
      let sum = b_y[row];
      for (let j = 0; j < n; j++) sum += V[row * n + j] * h[j];
      return sum;
    });
    const largest = Math.max(...logits), powers = logits.map((logit) => Math.exp(logit - largest));
    const total = powers.reduce((a, b) => a + b);
    answers.push({ units: memory, probabilities: powers.map((power) => power / total) });
  }
  return answers.slice(1);
}

function readerStart(place, model) {
  const weights = readerWeights(model);
  place.innerHTML = `
    <div class="reader-sheet"><div class="reader-paper" aria-hidden="true"></div><textarea spellcheck="false" rows="11" maxlength="1500"
      autocapitalize="off" autocomplete="off" aria-label="Type a Python program; the network reads it"></textarea></div>
    <p class="reader-key"><b></b>
      <label><input type="checkbox"> show one number of its memory</label></p>
    <p class="reader-says"></p>`;
  const [sheet, area] = [place.querySelector(".reader-paper"), place.querySelector("textarea")];
  const [memory, says] = [place.querySelector("input"), place.querySelector(".reader-says")];
  const key = place.querySelector(".reader-key b");
  // What the colours mean: the kinds of characters, or the values of one number of the memory.
  const explain = () => {
    const shown = memory.checked ? [["down", "\u22121 to 0"], ["up", "0 to 1: inside a docstring"]] : readerKinds.map((kind) => [kind, kind]);
    key.innerHTML = shown.map(([name, words]) => `<span class="reader-${name}" style="--strength: 60%">${words}</span>`).join(" ");
  };
  let answers = [];
  const tell = () => {
    const at = Array.from(area.value.slice(0, area.selectionStart)).length - 1;
    if (at < 0) return (says.textContent = "Nothing read yet.");
    const { units, probabilities } = answers[at];
    const kind = probabilities.indexOf(Math.max(...probabilities));
    const value = (model.sign * units[model.unit]).toFixed(2).replace("-", "\u2212");
    says.textContent = `At the cursor: ${readerKinds[kind]}, with probability ${probabilities[kind].toFixed(2)}. `
      + `This number of the memory is ${value}.`;
  };
  const read = () => {
    answers = readerReads(weights, area.value);
    sheet.replaceChildren(...Array.from(area.value, (letter, at) => {
      const span = document.createElement("span"), { units, probabilities } = answers[at];
      span.textContent = letter;
      if (memory.checked) {
        const value = model.sign * units[model.unit];
        span.className = value > 0 ? "reader-up" : "reader-down";
        span.style.setProperty("--strength", Math.round(60 * Math.abs(value)) + "%");
      } else span.className = "reader-" + readerKinds[probabilities.indexOf(Math.max(...probabilities))];
      return span;
    }), "\n");
    explain();
    tell();
  };
  area.value = place.dataset.program;
  area.addEventListener("input", read);
  memory.addEventListener("change", read);
  for (const event of ["keyup", "click", "select"]) area.addEventListener(event, tell);
  area.addEventListener("scroll", () => { sheet.scrollTop = area.scrollTop; sheet.scrollLeft = area.scrollLeft; });
  area.setSelectionRange(area.value.length, area.value.length);
  read();
}

// Only the landing page has the place, so only there the weights are loaded.
if (typeof document !== "undefined") {
  const place = document.getElementById("reader");
  if (place) {
    const script = document.createElement("script");
    script.src = new URL("reader-model.js", document.currentScript.src).href;
    script.onload = () => readerStart(place, window.readerModel);
    document.head.append(script);
  }
}
