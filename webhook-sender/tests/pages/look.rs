//! The look of pages: their width, their colours, and what can be read of them.

use std::fmt;

use serde_json::{Value, json};

use crate::browser::{Browser, device};

/// The colours that a reader prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Dark => "dark",
        })
    }
}

/// Returns what hinders reading, a sentence for each defect: text that overlaps other text or a field, text
/// that is smaller than 12 pixels, and lines of prose that are too long. Boxes that scroll clip their content.
const DEFECTS: &str = r#"
const found = [];
const named = (element) => element.tagName.toLowerCase() + ' "'
    + (element.innerText || element.value || '').trim().slice(0, 40) + '"';

// The part of a box that is visible within its ancestors.
function clipped(box, element) {
    let { left, top, right, bottom } = box;
    for (let it = element.parentElement; it; it = it.parentElement) {
        if (getComputedStyle(it).overflow === 'visible') continue;
        const within = it.getBoundingClientRect();
        left = Math.max(left, within.left);
        top = Math.max(top, within.top);
        right = Math.min(right, within.right);
        bottom = Math.min(bottom, within.bottom);
    }
    left = Math.max(left, 0);
    return right - left > 1 && bottom - top > 1 ? { left, top, right, bottom, element } : undefined;
}

const boxes = [];
function add(box, element) {
    const visible = clipped(box, element);
    if (visible) boxes.push(visible);
}

const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest('svg, script, option')) continue;
    // The content of closed details has a place.
    if (!element.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) add(box, element);
    const style = getComputedStyle(element);
    if (range.getClientRects().length && parseFloat(style.fontSize) < 12) {
        found.push('the text of ' + named(element) + ' has ' + style.fontSize);
    }
}
for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
    if (field.checkVisibility()) add(field.getBoundingClientRect(), field);
}
for (let a = 0; a < boxes.length; a += 1) {
    for (let b = a + 1; b < boxes.length; b += 1) {
        const [one, other] = [boxes[a], boxes[b]];
        if (one.element === other.element) continue;
        const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        // The boxes of two lines of text touch each other.
        if (width > 2 && height > 4) {
            found.push(named(one.element) + ' overlaps ' + named(other.element));
        }
    }
}
for (const prose of document.querySelectorAll('main p:not(.axis)')) {
    const width = prose.getBoundingClientRect().width;
    if (width > 70 * 16) found.push('a line of ' + named(prose) + ' has ' + width + ' pixels');
}
return found;
"#;

impl Browser {
    /// Shows the page as a window of this width does, to a reader who prefers these colours.
    pub async fn show_as(&self, width: u32, scheme: Scheme) {
        self.post("/goog/cdp/execute", device(width)).await;
        // Without motion, because colours are measured that would still be changing.
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme.to_string() },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        let media =
            json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.post("/goog/cdp/execute", media).await;
    }

    /// Returns what hinders reading the page at its present width, one a line.
    pub async fn reading_defects(&self) -> String {
        let found = self.run(DEFECTS).await;
        let found = found.as_array().expect("a list").iter();
        let mut found: Vec<_> = found.filter_map(Value::as_str).collect();
        if !self.fits().await {
            found.push("the page must be scrolled sideways");
        }
        found.join("\n")
    }

    /// Returns the lightness of the page's background, from 0 to 255.
    pub async fn lightness(&self) -> f64 {
        let script = "const colour = getComputedStyle(document.documentElement).backgroundColor;
            const parts = colour.match(/[0-9.]+/g).slice(0, 3).map(Number);
            return parts.reduce((sum, part) => sum + part, 0) / 3;";
        self.run(script).await.as_f64().expect("a number")
    }
}
