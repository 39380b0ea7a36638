//! GStreamer in one room: files and RTSP in, frames out.
