//! A write timeout: a connection whose client does not read is closed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::clock::Clock;

/// A stream that fails when a write makes no progress for `patience`.
pub(crate) struct Patient<S> {
    stream: S,
    clock: Clock,
    patience: Duration,
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<S> Patient<S> {
    pub(crate) fn new(stream: S, clock: Clock, patience: Duration) -> Self {
        Self { stream, clock, patience, waiting: None }
    }

    /// Passes on the result of a write; starts the timeout while there is none.
    fn judge<T>(&mut self, outcome: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let waiting = self.waiting.get_or_insert_with(|| {
            let (clock, patience) = (self.clock.clone(), self.patience);
            Box::pin(async move { clock.sleep(patience).await })
        });
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(context, octets);
        this.judge(outcome, context)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_flush(context);
        this.judge(outcome, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_shutdown(context);
        this.judge(outcome, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test(start_paused = true)]
    async fn a_reader_may_be_slow_but_not_still() {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let (near, mut far) = tokio::io::duplex(4);
        let mut near = Patient::new(near, clock.clone(), Duration::from_secs(30));
        let reader = tokio::spawn({
            let clock = clock.clone();
            async move {
                let mut read = [0; 4];
                for _ in 0..3 {
                    clock.sleep(Duration::from_secs(20)).await;
                    far.read_exact(&mut read).await.unwrap();
                }
                far
            }
        });
        near.write_all(&[1; 12]).await.unwrap();
        let _far = reader.await.unwrap();
        near.write_all(&[2; 4]).await.unwrap();
        let before = clock.now();
        let error = near.write_all(&[3; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(clock.now().duration_since(before).as_secs(), 30);
    }
}
