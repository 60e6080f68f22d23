// Photos before they leave: checked, made smaller (which also drops where they were taken), previewed.
import { icon, make } from "./nodes.js";
import { say } from "./words.js";

const LONGEST = 1920;
const MOST = 5;

// A JPEG of at most LONGEST pixels; null when the browser cannot read the file and neither could the city.
export async function shrink(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
  } catch {
    return /^image\/(heic|heif)$/.test(file.type) ? file : null;
  }
}

export class Previews {
  constructor(list, changed, complain) {
    this.list = list;
    this.changed = changed;
    this.complain = complain;
    this.photos = [];
  }

  async add(files) {
    for (const file of files) {
      if (this.photos.length >= MOST) {
        this.complain(say("composer.too_many", { count: MOST }));
        break;
      }
      const blob = await shrink(file);
      if (blob) this.show(blob);
      else this.complain(say("composer.not_a_photo"));
    }
    this.changed();
  }

  show(blob) {
    const photo = { blob, address: URL.createObjectURL(blob) };
    const away = make("button", { type: "button", "aria-label": say("composer.remove_photo") }, icon("close"));
    photo.node = make("li", {}, make("img", { src: photo.address, alt: say("log.photo") }), away);
    away.addEventListener("click", () => {
      photo.node.remove();
      this.photos = this.photos.filter((other) => other !== photo);
      this.changed();
    });
    this.photos.push(photo);
    this.list.append(photo.node);
  }

  // Hands the chosen photos over and empties the strip.
  take() {
    const taken = this.photos;
    this.photos = [];
    this.list.replaceChildren();
    this.changed();
    return taken;
  }
}
