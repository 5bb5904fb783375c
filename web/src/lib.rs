//! The yinxin binary: HTTP edges, command line, wiring
