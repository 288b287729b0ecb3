/*
 * What is said on a connection to an X server, as far as draw needs it. Every struct is exactly
 * what goes over the connection, without a gap; numbers are little-endian, as we ask for in the
 * first byte of all.
 */
#ifndef X11_H
#define X11_H

#include <stdint.h>

enum { TCP_PORT = 6000 }; /* of display 0; display N listens at 6000 + N */

enum opcode { CREATE_GC = 55, GET_INPUT_FOCUS = 43, PUT_IMAGE = 72, QUERY_EXTENSION = 98 };
enum shm_opcode { SHM_ATTACH = 1, SHM_DETACH = 2, SHM_PUT_IMAGE = 3 };
enum { Z_PIXMAP = 2 }; /* an image as one number for each pixel, row by row */

/* --- The first thing that is said --- */

struct setup_request {
    uint8_t byte_order; /* 'l': least significant byte first */
    uint8_t unused;
    uint16_t major, minor; /* 11, 0 */
    uint16_t authorization_name_length, authorization_data_length;
    uint16_t unused2;
};

enum { SETUP_ACCEPTED = 1 };

struct setup_reply { /* 8 bytes, and 4 * length more */
    uint8_t status;
    uint8_t reason_length; /* of the text that follows if the server does not accept us */
    uint16_t major, minor;
    uint16_t length;
};

struct setup { /* follows if it does; then the vendor's name, the formats and the screens */
    uint32_t release;
    uint32_t id_base,
        id_mask; /* the names that we may give are id_base | n, for any bits n of the mask */
    uint32_t motion_buffer_size;
    uint16_t vendor_length;   /* the name is filled up to a multiple of 4 bytes */
    uint16_t max_request;     /* the longest request, in units of 4 bytes; at least 4096 */
    uint8_t screens, formats; /* how many */
    uint8_t image_byte_order; /* 0: least significant byte of a pixel first */
    uint8_t bitmap_bit_order, scanline_unit, scanline_pad, min_keycode, max_keycode;
    uint32_t unused;
};

struct format { /* how images of a depth lie in requests and in memory */
    uint8_t depth, bits_per_pixel, scanline_pad;
    uint8_t unused[5];
};

struct screen {
    uint32_t root; /* the window that is the background */
    uint32_t colormap, white, black, input_masks;
    uint16_t width, height, width_mm, height_mm, min_maps, max_maps;
    uint32_t root_visual;
    uint8_t backing_stores, save_unders, root_depth, depths;
};

/* --- Requests: opcode, a byte that depends on it, the whole length in units of 4 bytes --- */

struct create_gc {
    uint8_t opcode, unused;
    uint16_t length;
    uint32_t gc, drawable;
    uint32_t values; /* 0: everything as usual */
};

struct put_image { /* the pixels follow */
    uint8_t opcode, format;
    uint16_t length;
    uint32_t drawable, gc;
    uint16_t width, height;
    int16_t x, y;
    uint8_t left_pad, depth;
    uint16_t unused;
};

struct get_input_focus { /* its answer is of no interest; that there is one tells that all before it
                            is done */
    uint8_t opcode, unused;
    uint16_t length;
};

struct query_extension { /* the name follows, filled up to a multiple of 4 bytes */
    uint8_t opcode, unused;
    uint16_t length;
    uint16_t name_length, unused2;
};

/* --- Requests of the extension MIT-SHM: opcode is the one that the server has given it --- */

struct shm_attach {
    uint8_t opcode, shm_opcode;
    uint16_t length;
    uint32_t segment; /* the name that we give it */
    uint32_t shmid;   /* the kernel's */
    uint8_t read_only;
    uint8_t unused[3];
};

struct shm_detach {
    uint8_t opcode, shm_opcode;
    uint16_t length;
    uint32_t segment;
};

struct shm_put_image {
    uint8_t opcode, shm_opcode;
    uint16_t length;
    uint32_t drawable, gc;
    uint16_t total_width, total_height;                       /* of the image in the segment */
    uint16_t source_x, source_y, source_width, source_height; /* which part of it */
    int16_t x, y;                                             /* goes where */
    uint8_t depth, format, send_event, unused;
    uint32_t segment, offset;
};

/* --- What comes from the server: 32 bytes, and after an answer 4 * length more --- */

enum { SAYS_ERROR = 0, SAYS_ANSWER = 1 }; /* all other codes are events */

struct said {
    uint8_t code;
    uint8_t error; /* of an error: which one */
    uint16_t sequence;
    uint32_t length; /* of an answer: what follows, in units of 4 bytes */
    uint8_t present; /* of an answer to QueryExtension: whether the server has it, */
    uint8_t opcode;  /* and under which opcode */
    uint8_t rest[22];
};

#endif
