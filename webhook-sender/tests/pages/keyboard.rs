//! The pages by the keyboard alone.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::world::{KEY, World};

/// The keys that have no character (WebDriver, section 15.4.2).
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// The most steps from one element to another one of a page.
const MOST_STEPS: usize = 120;

impl Browser {
    /// Presses and releases keys one after the other.
    async fn press(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
        });
        let strokes: Vec<Value> = strokes.collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("/actions", json!({ "actions": [keyboard] }))
            .await;
    }

    /// Moves the focus forwards to the link, button or field with this text. Each element on the way shows
    /// that it has the focus.
    async fn tab_to(&self, wanted: &str) {
        let script = "const it = document.activeElement;
            const style = getComputedStyle(it);
            return {
                text: (it.innerText || it.value || it.name || '').trim(),
                isPage: it === document.body,
                isControl: it.matches('a, button, input, select, textarea, summary'),
                isShown: style.outlineStyle !== 'none' || style.boxShadow !== 'none',
            };";
        let mut passed = Vec::new();
        for _ in 0..MOST_STEPS {
            self.press(TAB).await;
            let focused = self.run(script).await;
            let text = focused["text"].as_str().unwrap_or_default().to_owned();
            let is_shown = focused["isShown"] == true || focused["isPage"] == true;
            assert!(is_shown, "“{text}” does not show that it has the focus");
            if focused["isControl"] == true && text.contains(wanted) {
                return;
            }
            passed.push(text);
        }
        panic!("no “{wanted}” among {passed:?}");
    }

    /// Follows the link, or presses the button, with this text.
    async fn go_to(&self, text: &str) {
        self.tab_to(text).await;
        self.press(ENTER).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_signs_in_finds_a_delivery_and_replays_it_by_the_keyboard_alone() {
    let world = World::start().await;
    let delivery = world.dead_delivery().await;
    let browser = Browser::start().await;
    browser.open(&world.url("/ui/")).await;
    browser.element("input[name=key]").await;
    // The field has the focus.
    browser.press(KEY).await;
    browser.press(ENTER).await;
    browser.until_text("Tenants").await;
    browser.go_to("acme").await;
    browser.until_text("Newest dead letters").await;
    browser.go_to("Skip to the content").await;
    browser.go_to(&delivery).await;
    browser.until_text("Attempt 1").await;
    browser.go_to("Replay this delivery").await;
    browser.until_text("Replay: 1 delivery due again").await;
    world.delivered("evt_1", "succeeded").await;
}
