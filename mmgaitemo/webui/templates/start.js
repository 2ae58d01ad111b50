"use strict";
// Sends a file to the server and goes to its result. What the server would refuse by size or name is not sent at all.

const limits = JSON.parse(document.getElementById("limits").textContent);
const byId = (name) => document.getElementById(name);

function say(text, error) {
  byId("said").hidden = false;
  byId("said").className = error ? "error" : "";
  byId("said").textContent = text;
}

// The reason that the server gave. What is said to the tools by an option is said here in a field.
function complain(text) {
  const field = ["rate", "up", "skeleton"].find((name) => text.includes(`--${name}`));
  say(field ? `${text} On this page, say it below.` : text, true);
  if (!field) return;
  document.querySelector("details").open = true;
  byId(field).focus();
}

async function send(file) {
  if (file.size > limits.bytes) {
    const [found, most] = [file.size, limits.bytes].map((bytes) => `${Math.round(bytes / 1e6)} MB`);
    say(`${file.name}: is too large: uploads are limited to ${most}. Found: ${found}. Remedy: cut the recording, or ` +
      "read it with tools/infer.py, which has no limit.", true);
    return;
  }
  say(`Reading ${file.name} ... Ten minutes of walking take about a minute.`, false);
  const asked = new URLSearchParams({ name: file.name });
  for (const field of ["rate", "up", "skeleton"]) if (byId(field).value) asked.set(field, byId(field).value);
  try {
    const answer = await fetch(`/walks?${asked}`, { method: "POST", body: file });
    const content = await answer.json();
    if (answer.ok) location.assign(content.result);
    else complain(content.error);
  } catch (error) { // the server is gone, or closed the line
    say(`The server does not answer (${error.message}). Is it still running?`, true);
  }
}

const drop = byId("drop");
byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) send(file);
  event.target.value = ""; // the same file may be chosen again
});
for (const name of ["dragover", "dragleave", "drop"])
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });
for (const name of ["dragover", "drop"]) // a file that misses the box must not replace the page
  window.addEventListener(name, (event) => event.preventDefault());
