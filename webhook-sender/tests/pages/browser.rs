//! A browser without a window, driven by `chromedriver` through the WebDriver protocol, which is JSON
//! over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use test_support::{Request, with_timeout};

/// The widths of screenshots, with their names.
const WIDTHS: [(&str, u32); 2] = [("narrow", 360), ("wide", 1280)];

/// The longest wait for a browser to end.
const ENDING: Duration = Duration::from_secs(10);

/// The member that holds the reference of an element (WebDriver, section 12.3).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window. Dropping it ends the browser.
pub struct Browser {
    driver: Child,
    /// The address of the session.
    session: String,
}

/// An element of a page.
pub struct Element<'b> {
    browser: &'b Browser,
    id: String,
}

impl Browser {
    /// Starts a browser that runs no script of any page, but those of its driver.
    pub async fn without_scripts() -> Self {
        let browser = Self::start().await;
        let command = json!({
            "cmd": "Emulation.setScriptExecutionDisabled",
            "params": { "value": true },
        });
        browser.post("/goog/cdp/execute", command).await;
        browser
    }

    pub async fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver must be installed: `make setup-pages`");
        let address = format!("http://127.0.0.1:{}", port(&mut driver));
        let mut browser = Self {
            driver,
            session: format!("{address}/session"),
        };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--lang=en",
            "--window-size=1280,1000",
        ];
        let options = json!({ "args": arguments });
        let wanted = json!({ "alwaysMatch": { "goog:chromeOptions": options } });
        let session = browser.post("", json!({ "capabilities": wanted })).await;
        let id = session["sessionId"].as_str();
        let id = id.unwrap_or_else(|| panic!("chromium must be installed: {session}"));
        browser.session = format!("{address}/session/{id}");
        browser
    }

    /// Sends a command, and returns the value of the response or the error.
    async fn try_post(&self, command: &str, body: Value) -> Result<Value, Value> {
        let request = Request::post(format!("{}{command}", self.session));
        let reply = request.json(body.to_string()).send().await;
        let value = reply.json()["value"].take();
        if reply.status == 200 {
            Ok(value)
        } else {
            Err(value)
        }
    }

    pub async fn post(&self, command: &str, body: Value) -> Value {
        let result = self.try_post(command, body.clone()).await;
        result.unwrap_or_else(|error| panic!("{command} {body}: {error}"))
    }

    async fn get(&self, command: &str) -> String {
        let request = Request::get(format!("{}{command}", self.session));
        let value = request.send().await.json()["value"].take();
        let text = value.as_str().map(str::to_owned);
        text.unwrap_or_else(|| panic!("{command}: {value}"))
    }

    pub async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    async fn find(&self, using: &str, value: &str) -> Option<Element<'_>> {
        let body = json!({ "using": using, "value": value });
        let found = self.try_post("/element", body).await.ok()?;
        let id = found[ELEMENT].as_str()?.to_owned();
        Some(Element { browser: self, id })
    }

    async fn until_found(&self, using: &str, value: &str) -> Element<'_> {
        let found = async {
            loop {
                if let Some(element) = self.find(using, value).await {
                    return element;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        with_timeout(found, || format!("the element `{value}`")).await
    }

    /// Waits for the first element that matches, and returns it.
    pub async fn element(&self, css: &str) -> Element<'_> {
        self.until_found("css selector", css).await
    }

    /// Waits for the link or button with this text in the content or the navigation, and clicks it. An
    /// element that goes away meanwhile, with its page, is looked for again.
    pub async fn click(&self, text: &str) {
        let path = format!(
            "//*[self::a or self::button or self::summary][contains(normalize-space(.), \"{text}\")]"
        );
        let clicked = async {
            while !self.until_found("xpath", &path).await.try_click().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        with_timeout(clicked, || format!("a click on “{text}”")).await;
    }

    /// Replaces the content of a form's field.
    pub async fn fill(&self, name: &str, text: &str) {
        let css = format!("main [name={name}]:not([type=hidden])");
        let field = self.element(&css).await;
        field.send("clear", json!({})).await;
        field.send("value", json!({ "text": text })).await;
    }

    /// Returns the visible text of the page.
    pub async fn text(&self) -> String {
        self.element("body").await.text().await
    }

    /// Waits until the page contains a text.
    pub async fn until_text(&self, wanted: &str) {
        let appeared = async {
            while !self.visible_text().await.contains(wanted) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        with_timeout(appeared, || format!("“{wanted}” on the page")).await;
    }

    /// Returns the visible text; nothing while one page replaces another.
    async fn visible_text(&self) -> String {
        let script = "return document.body ? document.body.innerText : ''";
        let body = json!({ "script": script, "args": [] });
        let text = self.try_post("/execute/sync", body).await;
        let text = text.ok().and_then(|text| text.as_str().map(str::to_owned));
        text.unwrap_or_default()
    }

    pub async fn url(&self) -> String {
        self.get("/url").await
    }

    /// Returns the markup of the page.
    pub async fn source(&self) -> String {
        self.get("/source").await
    }

    /// Continues inside the frame of the page, or with `None` on the page.
    pub async fn enter(&self, frame: Option<&Element<'_>>) {
        let frame = frame.map(|frame| json!({ ELEMENT: frame.id }));
        self.post("/frame", json!({ "id": frame })).await;
    }

    pub async fn run(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.post("/execute/sync", body).await
    }

    /// Keeps pictures of the page at both widths, under `target/pages/screenshots`.
    pub async fn picture(&self, name: &str) {
        let folder = target().join("screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        for (width_name, width) in WIDTHS {
            self.post("/goog/cdp/execute", device(width)).await;
            let image = self.get("/screenshot").await;
            let image = Base64::decode_vec(&image).expect("an image");
            let file = folder.join(format!("{name}-{width_name}.png"));
            std::fs::write(file, image).expect("a file");
            assert!(
                self.fits().await,
                "`{name}` is wider than the window of {width}"
            );
        }
    }

    /// Returns `false` if the page must be scrolled sideways to be read.
    pub async fn fits(&self) -> bool {
        let script = "return document.documentElement.scrollWidth <= window.innerWidth";
        self.run(script).await == json!(true)
    }

    /// Returns the defects that `axe-core` finds, one a line.
    pub async fn accessibility_defects(&self) -> String {
        self.defects("{}").await
    }

    /// Returns the defects of contrast that `axe-core` finds, one a line.
    pub async fn contrast_defects(&self) -> String {
        self.defects("{ runOnly: ['color-contrast'] }").await
    }

    async fn defects(&self, options: &str) -> String {
        let file = target().join("node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}: `make setup-pages`", file.display()));
        self.run(&axe).await;
        let script = format!(
            "const done = arguments[0];
            axe.run(document, {options}).then((result) => done(result.violations.map((it) =>
                it.id + ': ' + it.nodes.map((node) =>
                    node.target.join(' ') + ' (' + node.failureSummary + ')').join('; '))));"
        );
        let body = json!({ "script": script, "args": [] });
        let found = self.post("/execute/async", body).await;
        let lines = found.as_array().expect("a list").iter();
        let lines: Vec<_> = lines.filter_map(Value::as_str).collect();
        lines.join("\n")
    }
}

/// Returns the command that gives the page this width: a window cannot be narrower than 500 pixels.
pub fn device(width: u32) -> Value {
    json!({
        "cmd": "Emulation.setDeviceMetricsOverride",
        "params": { "width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": false },
    })
}

impl Element<'_> {
    async fn send(&self, command: &str, body: Value) -> Value {
        let command = format!("/element/{}/{command}", self.id);
        self.browser.post(&command, body).await
    }

    pub async fn click(&self) {
        self.send("click", json!({})).await;
    }

    async fn try_click(&self) -> bool {
        let command = format!("/element/{}/click", self.id);
        self.browser.try_post(&command, json!({})).await.is_ok()
    }

    pub async fn text(&self) -> String {
        self.browser
            .get(&format!("/element/{}/text", self.id))
            .await
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

impl Browser {
    /// Ends the session, and with it the browser: the driver itself leaves it running. Blocks, because a
    /// destructor cannot wait.
    fn end_session(&self) -> std::io::Result<()> {
        let address = self.session.trim_start_matches("http://");
        let (address, path) = address.split_once('/').unwrap_or((address, ""));
        let mut connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(ENDING))?;
        let head =
            format!("DELETE /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        connection.write_all(head.as_bytes())?;
        connection.read(&mut [0; 1024]).map(drop)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.end_session();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
