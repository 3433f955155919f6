//! Work that waits for the platform, done without a queue of its own: JavaScript waits, and takes one step
//! of the work after the other. So a request needs neither closures nor microtasks of Rust's, and what traps in it
//! is thrown to whoever called.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use js_sys::Promise;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

type Settled = Result<JsValue, JsValue>;

thread_local! {
    /// Whether a task takes a step at this moment.
    static STEPPING: Cell<bool> = const { Cell::new(false) };
    /// What the task waits for from now on.
    static AWAITED: Cell<Option<Promise>> = const { Cell::new(None) };
    /// What came of what it waited for.
    static SETTLED: Cell<Option<Settled>> = const { Cell::new(None) };
}

/// Work on one request. It waits for one thing at a time.
#[wasm_bindgen]
pub struct Task(Pin<Box<dyn Future<Output = JsValue>>>);

impl Task {
    pub(crate) fn new(work: impl Future<Output = JsValue> + 'static) -> Self {
        Self(Box::pin(work))
    }
}

#[wasm_bindgen]
impl Task {
    /// Goes on with what came of the last promise; the first step has none. Returns the next promise, or once it
    /// is done, what it came to.
    pub fn step(&mut self, settled: JsValue, failed: bool) -> JsValue {
        SETTLED.set(Some(if failed { Err(settled) } else { Ok(settled) }));
        STEPPING.set(true);
        let step = self.0.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        STEPPING.set(false);
        match step {
            Poll::Ready(done) => done,
            Poll::Pending => AWAITED.take().map(JsValue::from).unwrap_or_default(),
        }
    }
}

/// A promise, awaited by the task that takes a step, or elsewhere, as in an alarm, by a queue.
pub(crate) enum Awaited {
    New(Promise),
    /// It is the task's now, whose next step has what came of it.
    Handed,
    Queued(JsFuture),
}

impl Future for Awaited {
    type Output = Settled;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Settled> {
        if let Self::New(promise) = &*self {
            let promise = promise.clone();
            if STEPPING.get() {
                AWAITED.set(Some(promise));
                *self = Self::Handed;
                return Poll::Pending;
            }
            *self = Self::Queued(JsFuture::from(promise));
        }
        match &mut *self {
            Self::Queued(future) => Pin::new(future).poll(context),
            _ => Poll::Ready(SETTLED.take().unwrap_or(Ok(JsValue::UNDEFINED))),
        }
    }
}
