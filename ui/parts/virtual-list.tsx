/** A list of rows of one height, of which only those in sight are drawn: twenty thousand scroll as twenty do. */
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useImperativeHandle, useRef, useState } from "preact/hooks";

export interface VirtualListHandle {
  /** Brings a row into sight. */
  scrollTo(index: number, where?: "start" | "nearest"): void;
}

interface Props {
  readonly count: number;
  /** Height of a row in pixels. */
  readonly rowHeight: number;
  readonly label: string;
  /** Id of the row that is selected. */
  readonly active?: string | undefined;
  readonly handle?: RefObject<VirtualListHandle | null>;
  /** Called with the rows in sight, the first and the one after the last. */
  readonly onSight?: (first: number, end: number) => void;
  readonly children: (index: number) => ComponentChildren;
}

/** Rows drawn beyond each edge. */
const beyond = 6;

export function VirtualList({ count, rowHeight, label, active, handle, onSight, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 600 });
  const look = () => {
    const { scrollTop = 0, clientHeight = 0 } = box.current ?? {};
    setSight((now) =>
      now.top === scrollTop && now.height === clientHeight ? now : { top: scrollTop, height: clientHeight },
    );
  };
  useEffect(() => {
    look();
    const observer = new ResizeObserver(look);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  useImperativeHandle(
    handle ?? { current: null },
    () => ({
      scrollTo(index, where = "nearest") {
        const element = box.current;
        if (!element) return;
        const [top, bottom] = [index * rowHeight, (index + 1) * rowHeight];
        if (where === "start") element.scrollTop = Math.max(0, top - rowHeight);
        else if (top < element.scrollTop) element.scrollTop = top;
        else if (bottom > element.scrollTop + element.clientHeight)
          element.scrollTop = bottom - element.clientHeight;
      },
    }),
    [rowHeight],
  );
  const first = Math.max(0, Math.floor(sight.top / rowHeight) - beyond);
  const end = Math.min(count, Math.ceil((sight.top + sight.height) / rowHeight) + beyond);
  useEffect(() => onSight?.(first, end), [first, end, count]);
  return (
    <div
      class="rows"
      ref={box}
      onScroll={look}
      role="listbox"
      aria-label={label}
      tabIndex={0}
      aria-activedescendant={active}
    >
      <div class="rows-all" style={{ height: `${count * rowHeight}px` }}>
        {Array.from({ length: Math.max(0, end - first) }, (_, i) => (
          <div
            key={first + i}
            class="row-place"
            style={{ transform: `translateY(${(first + i) * rowHeight}px)`, height: `${rowHeight}px` }}
          >
            {children(first + i)}
          </div>
        ))}
      </div>
    </div>
  );
}
