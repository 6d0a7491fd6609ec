/* http2/room.h - where nghttp2 has its memory: its large buffers lie on pages of their own.
 *
 * A session begins with a buffer for the longest frame, of which an ordinary connection only ever uses the first bytes. On the
 * common heap that buffer lies where something was before, so all its pages stay the process's; on fresh pages those that
 * are never written to cost nothing.
 */
#ifndef WR_HTTP2_ROOM_H
#define WR_HTTP2_ROOM_H

#include <nghttp2/nghttp2.h>

/* For nghttp2_session_server_new3. */
nghttp2_mem *wr_room_memory(void);

#endif
