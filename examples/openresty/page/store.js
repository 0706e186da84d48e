// Keeps the conversation in the tab: a reload finds it again, closing the tab ends it.

const KEY = "conversation";
const MOST = 500_000; // characters; a tab has about five million

// The newest turns that fit, from a question on.
function newest(turns) {
  let first = turns.length;
  for (let size = 0; first > 0; first--) {
    size += JSON.stringify(turns[first - 1]).length;
    if (size > MOST) {
      break;
    }
  }
  while (first < turns.length && turns[first].role !== "user") {
    first++;
  }
  return turns.slice(first);
}

export function save(turns) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(newest(turns)));
  } catch {
    // storage is full or switched off: the page works without
  }
}

export function load() {
  try {
    const turns = JSON.parse(sessionStorage.getItem(KEY));
    return Array.isArray(turns) ? turns : [];
  } catch {
    return [];
  }
}
