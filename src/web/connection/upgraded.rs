//! A connection from its upgrade on: gives the session the bytes that arrive, and writes those that the
//! session returns.
//!
//! It must never hold a buffer while nothing moves: most sockets are idle most of the time. The
//! dispatcher of actix, which it takes over from, keeps two of 8 KiB each, and copies each frame once more.

use std::future::{Future, poll_fn};
use std::io;
use std::mem::{MaybeUninit, take};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use actix_codec::{AsyncRead, Encoder, Framed, ReadBuf};
use actix_http::h1::{Codec, Message};
use actix_http::{BoxedPayloadStream, ConnectionType, Request, Response, StatusCode};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf, split};

use super::stream::Watched;

/// Most bytes that are read at once.
const PIECE: usize = 8 * 1024;

/// The half of an upgraded connection that is written to.
pub struct Upgraded {
    stream: WriteHalf<Watched>,
    codec: Codec,
}

impl Upgraded {
    /// Takes over a connection from HTTP, at a request to upgrade it: the request's payload is all that
    /// follows on the connection.
    pub fn take_over(request: Request, framed: Framed<Watched, Codec>) -> (Self, Request) {
        let parts = framed.into_parts();
        let (read, stream) = split(parts.io);
        let incoming = Incoming {
            stream: read,
            // What arrived together with the request.
            ahead: Bytes::copy_from_slice(&parts.read_buf),
        };
        let payload: BoxedPayloadStream = Box::pin(incoming);
        let (request, _) = request.replace_payload(payload.into());
        let codec = parts.codec;
        (Self { stream, codec }, request)
    }

    /// Answers the request, and ends the connection with the answer: that of a session ends when it does.
    pub async fn answer<R, E, B>(
        mut self,
        answering: impl Future<Output = Result<R, E>>,
    ) -> Result<(), E>
    where
        R: Into<Response<B>>,
        E: Into<Response<BoxBody>>,
        B: MessageBody,
    {
        // A lost connection is no error here: the session learns of it when its answer is dropped.
        let _ = match answering.await {
            Ok(response) => self.write(response.into()).await,
            Err(error) => self.write(error.into()).await,
        };
        Ok(())
    }

    async fn write<B: MessageBody>(&mut self, response: Response<B>) -> io::Result<()> {
        let (mut head, body) = response.into_parts();
        let is_upgraded = head.status() == StatusCode::SWITCHING_PROTOCOLS;
        if !is_upgraded {
            head.head_mut().set_connection_type(ConnectionType::Close);
        }
        let mut encoded = BytesMut::new();
        let head = Message::Item((head, body.size()));
        self.codec.encode(head, &mut encoded)?;
        self.stream.write_all(&take(&mut encoded)).await?;
        let mut body = pin!(body);
        while let Some(chunk) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
            let chunk = chunk.map_err(|_| io::ErrorKind::InvalidData)?;
            if is_upgraded {
                self.stream.write_all(&chunk).await?;
                continue;
            }
            self.codec
                .encode(Message::Chunk(Some(chunk)), &mut encoded)?;
            self.stream.write_all(&take(&mut encoded)).await?;
        }
        if !is_upgraded {
            self.codec.encode(Message::Chunk(None), &mut encoded)?;
            self.stream.write_all(&encoded).await?;
        }
        self.stream.shutdown().await
    }
}

/// What the peer sends from the upgrade on.
struct Incoming {
    stream: ReadHalf<Watched>,
    ahead: Bytes,
}

impl Stream for Incoming {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            return Poll::Ready(Some(Ok(take(&mut this.ahead))));
        }
        let mut space = [const { MaybeUninit::uninit() }; PIECE];
        let mut piece = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut piece))?;
        Poll::Ready(match piece.filled() {
            [] => None,
            bytes => Some(Ok(Bytes::copy_from_slice(bytes))),
        })
    }
}
