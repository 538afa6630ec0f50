//! A browser without a window, driven by `chromedriver`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use test_support::with_timeout;

/// The widths of screenshots, with their names.
const WIDTHS: [(&str, u32); 2] = [("narrow", 360), ("wide", 1280)];

/// A browser with one window. Dropping it ends the browser.
pub struct Browser {
    pub client: Client,
    driver: Child,
}

impl Browser {
    pub async fn start() -> Self {
        Self::with_preferences(json!({})).await
    }

    /// Starts a browser that runs no script of any page.
    pub async fn without_scripts() -> Self {
        let blocked = json!({ "profile.managed_default_content_settings.javascript": 2 });
        Self::with_preferences(blocked).await
    }

    async fn with_preferences(preferences: Value) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver must be installed: `make setup-pages`");
        let port = port(&mut driver);
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--lang=en",
        ];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments, "prefs": preferences },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else {
            unreachable!("it is an object");
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("chromium must be installed: `make setup-pages`");
        Self { client, driver }
    }

    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.expect("the page is served");
    }

    /// Waits for the first element that matches, and returns it.
    pub async fn element(&self, css: &str) -> Element {
        let waiting = self.client.wait().for_element(Locator::Css(css));
        let found = with_timeout(waiting, || format!("the element `{css}`")).await;
        match found {
            Ok(found) => found,
            Err(error) => panic!("`{css}`: {error}\n{}", self.text().await),
        }
    }

    /// Waits for the link or button with this text, and clicks it.
    pub async fn click(&self, text: &str) {
        let path = format!(
            "//*[self::a or self::button or self::summary][contains(normalize-space(.), \"{text}\")]"
        );
        let waiting = self.client.wait().for_element(Locator::XPath(&path));
        let found = with_timeout(waiting, || format!("“{text}”")).await;
        match found {
            Ok(found) => found.click().await.expect("it can be clicked"),
            Err(error) => panic!("“{text}”: {error}\n{}", self.text().await),
        }
    }

    /// Replaces the content of a form's field.
    pub async fn fill(&self, name: &str, text: &str) {
        let field = self.element(&format!("main [name={name}]")).await;
        field.clear().await.expect("it can be cleared");
        field.send_keys(text).await.expect("it can be filled");
    }

    /// Returns the visible text of the page.
    pub async fn text(&self) -> String {
        let body = self.client.find(Locator::Css("body")).await;
        let body = body.expect("a page has a body");
        body.text().await.expect("its text")
    }

    /// Waits until the page contains a text.
    pub async fn until_text(&self, wanted: &str) {
        let appeared = async {
            // The element may go away between two calls, with its page.
            while !self.body_text().await.is_some_and(|it| it.contains(wanted)) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        with_timeout(appeared, || format!("“{wanted}” on the page")).await;
    }

    async fn body_text(&self) -> Option<String> {
        let body = self.client.find(Locator::Css("body")).await.ok()?;
        body.text().await.ok()
    }

    pub async fn url(&self) -> String {
        let url = self.client.current_url().await;
        url.expect("an address").to_string()
    }

    pub async fn run(&self, script: &str) -> Value {
        let result = self.client.execute(script, Vec::new()).await;
        result.expect("the script runs")
    }

    /// Keeps pictures of the page at both widths, under `target/pages/screenshots`.
    pub async fn picture(&self, name: &str) {
        let folder = target().join("screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        for (width_name, width) in WIDTHS {
            self.client
                .set_window_size(width, 1000)
                .await
                .expect("a size");
            let image = self.client.screenshot().await.expect("an image");
            let file = folder.join(format!("{name}-{width_name}.png"));
            std::fs::write(file, image).expect("a file");
            assert!(
                self.fits().await,
                "`{name}` is wider than the window of {width}"
            );
        }
    }

    /// Returns `false` if the page must be scrolled sideways to be read.
    async fn fits(&self) -> bool {
        let script = "return document.documentElement.scrollWidth <= window.innerWidth";
        self.run(script).await == json!(true)
    }

    /// Returns the defects that `axe-core` finds, one a line.
    pub async fn accessibility_defects(&self) -> String {
        let file = target().join("node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}: `make setup-pages`", file.display()));
        self.run(&axe).await;
        let script = "const done = arguments[0];
            axe.run().then((result) => done(result.violations.map((it) =>
                it.id + ': ' + it.nodes.map((node) =>
                    node.target.join(' ') + ' (' + node.failureSummary + ')').join('; '))));";
        let found = self.client.execute_async(script, Vec::new()).await;
        let found = found.expect("axe-core runs");
        let lines = found.as_array().expect("a list").iter();
        let lines: Vec<_> = lines.filter_map(Value::as_str).collect();
        lines.join("\n")
    }
}

/// Returns the folder of what `make setup-pages` installs.
fn target() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/pages"))
}

fn port(driver: &mut Child) -> u16 {
    let output = driver.stdout.take().expect("its output");
    let mut lines = BufReader::new(output).lines();
    let port = lines.find_map(|line| {
        let line = line.expect("its output can be read");
        let (_, port) = line.split_once("successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    // The pipe stays open, or the driver would fail at its next line.
    std::thread::spawn(move || lines.for_each(drop));
    port.expect("chromedriver names its port")
}

impl Drop for Browser {
    fn drop(&mut self) {
        // On this signal, the driver ends its browsers; it must not be killed.
        let id = self.driver.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.driver.wait();
    }
}
