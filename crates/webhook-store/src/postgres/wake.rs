//! Wakes between processes: a notification that something may be due.
//!
//! A notification is a hint only: the queue is also checked every few seconds, and after each new
//! connection. It is sent on the connection that listens, some time after the change was committed:
//! a transaction that notifies would hold up the commits of all others that do.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use postgres_link::{Connector, Direct, describe};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_postgres::{AsyncMessage, Client, Error};
use webhook_model::Backoff;

/// The least time between two notifications of this process.
const BETWEEN: Duration = Duration::from_millis(50);

/// The time between checks of the queue, and of the connection.
const POLL: Duration = Duration::from_secs(5);

/// The deadline of a statement.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The waits after a connection that failed or was lost.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The task that listens and notifies. Dropping this ends it.
pub(super) struct Listener {
    task: JoinHandle<()>,
    announcements: Arc<Notify>,
}

impl Listener {
    /// Starts to listen, and notifies `wakes` of all notifications except the process's own.
    pub fn start(connector: Connector, wakes: Arc<Notify>) -> Self {
        let announcements = Arc::new(Notify::new());
        let link = Link {
            mark: hex::encode(rand::random::<[u8; 8]>()),
            channel: format!("{}_wake", connector.address().schema()),
            announcements: announcements.clone(),
            connector,
            wakes,
        };
        Self {
            task: tokio::spawn(link.run()),
            announcements,
        }
    }

    /// Notifies other processes, soon, that something may be due.
    pub fn announce(&self) {
        self.announcements.notify_one();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Link {
    connector: Connector,
    channel: String,
    /// The payload of this process's own notifications.
    mark: String,
    announcements: Arc<Notify>,
    wakes: Arc<Notify>,
}

impl Link {
    async fn run(self) {
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        loop {
            let connected = self.connector.connect().await;
            match connected {
                Ok(direct) => {
                    let began = Instant::now();
                    let lost = self.listen(direct).await;
                    tracing::debug!(reason = %lost, "listening connection lost");
                    if began.elapsed() > POLL {
                        backoff.reset();
                    }
                }
                Err(error) => tracing::debug!(?error, "listening connection failed"),
            }
            sleep(backoff.next_wait()).await;
            // Without a connection, the queue is checked at each try.
            self.wakes.notify_one();
        }
    }

    /// Listens and notifies until the connection fails. Returns the reason.
    async fn listen(&self, (client, mut connection): Direct) -> String {
        let (sender, mut messages) = mpsc::unbounded_channel();
        let driver = tokio::spawn(async move {
            let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(message) = messages.next().await {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let reason = self.serve(&client, &mut messages).await;
        driver.abort();
        reason
    }

    async fn serve(
        &self,
        client: &Client,
        messages: &mut mpsc::UnboundedReceiver<Result<AsyncMessage, Error>>,
    ) -> String {
        if let Err(reason) = execute(client, &format!("LISTEN \"{}\"", self.channel)).await {
            return reason;
        }
        // What was announced before is found by a check.
        self.wakes.notify_one();
        let mut announced_at = Instant::now() - BETWEEN;
        loop {
            let announced = async {
                self.announcements.notified().await;
                // A cancelled wait must not lose the announcement.
                self.announcements.notify_one();
                sleep_until(announced_at + BETWEEN).await;
            };
            tokio::select! {
                message = messages.recv() => match message {
                    Some(Ok(message)) => self.heard(&message),
                    Some(Err(error)) => return describe(&error),
                    None => return "the connection was closed".into(),
                },
                () = announced => {
                    self.announcements.notified().await;
                    announced_at = Instant::now();
                    if let Err(reason) = execute(client, &self.notification()).await {
                        return reason;
                    }
                }
                () = sleep(POLL) => {
                    self.wakes.notify_one();
                    if let Err(reason) = execute(client, "SELECT 1").await {
                        return reason;
                    }
                }
            }
        }
    }

    fn heard(&self, message: &AsyncMessage) {
        if let AsyncMessage::Notification(notification) = message
            && notification.payload() != self.mark
        {
            self.wakes.notify_one();
        }
    }

    /// Returns the statements that notify. Nothing is lost with them, so they do not wait for the disk.
    fn notification(&self) -> String {
        format!(
            "BEGIN; SET LOCAL synchronous_commit = off; NOTIFY \"{}\", '{}'; COMMIT",
            self.channel, self.mark
        )
    }
}

async fn execute(client: &Client, sql: &str) -> Result<(), String> {
    match timeout(RESPONSE_TIMEOUT, client.batch_execute(sql)).await {
        Ok(executed) => executed.map_err(|error| describe(&error)),
        Err(_) => Err("the server did not respond in time".into()),
    }
}
